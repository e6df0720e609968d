# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
#
# Executes a Vivado script without Vivado, and strictly: it knows some commands with their options
# (UG835), some IPs with their pins (their product guides), and refuses everything else. What the
# script builds is kept as a graph and written as JSON.
#
#   tclsh vivado_recorder.tcl SCRIPT GRAPH.json ?KEY VALUE?...
#
# The keys play what real tools may answer: SYNTH and IMPL (progress of the runs), WNS, WHS, TPWS,
# DSP (blocks in the routed design), FCLK (MHz that the processing system makes), KILL (the run
# during which somebody kills Vivado).
#
# Exit code: the script's own, or 3 if anything was refused, also where the script caught it.

set script [file normalize [lindex $argv 0]]
set graph_file [lindex $argv 1]
array set play {SYNTH 100% IMPL 100% WNS 0.125 WHS 0.031 TPWS 0.000 DSP 0 FCLK {} KILL {}}
array set play [lrange $argv 2 end]

source [file join [file dirname [info script]] commands.tcl]
source [file join [file dirname [info script]] ips.tcl]
source [file join [file dirname [info script]] graph_json.tcl]

set refused {}
set calls {}

proc refuse {message} {
    return -code error "refused: $message"
}


# ---- Calls: options as documented, then the command itself ---------------------------------------

proc call {name args} {
    lappend ::calls $name
    if {[catch {
        lassign [parse_arguments $name $args] options operands
        do_$name $options $operands
    } result]} {
        if {![string match "refused: *" $result]} {
            set result "refused: $name: $result"
        }
        lappend ::refused $result
        return -code error $result
    }
    return $result
}

# -> {options operands}; an option without a value has the value 1.
proc parse_arguments {name arguments} {
    lassign [dict get $::COMMANDS $name] flags valued least most
    set options {}
    set operands {}
    while {[llength $arguments]} {
        set arguments [lassign $arguments argument]
        if {[string index $argument 0] ne "-" || [string is double -strict $argument]} {
            lappend operands $argument
        } elseif {$argument in $flags} {
            dict set options $argument 1
        } elseif {$argument in $valued} {
            if {![llength $arguments]} {
                refuse "$name $argument has no value"
            }
            set arguments [lassign $arguments value]
            dict set options $argument $value
        } else {
            refuse "$name has no option $argument"
        }
    }
    if {[llength $operands] < $least || [llength $operands] > $most} {
        refuse "$name takes $least to $most operands, not [llength $operands]: $operands"
    }
    return [list $options $operands]
}

proc option {options name {default {}}} {
    if {[dict exists $options $name]} {
        return [dict get $options $name]
    }
    return $default
}

# Something that must have happened before.
proc need {condition message} {
    if {![uplevel 1 [list expr $condition]]} {
        refuse $message
    }
}


# ---- The project ---------------------------------------------------------------------------------

set project {}
set catalog [dict keys $::FIXED_IPS]
set repositories {}
set design {}
set state {}

proc do_create_project {options operands} {
    need {$::project eq ""} "a project is open already"
    need {[dict exists $options -part]} "create_project without -part"
    need {[option $options -part] in $::PARTS} "unknown part [option $options -part]"
    lassign $operands ::project folder
    set ::folder [file normalize $folder]
    set ::part [option $options -part]
    file mkdir $::folder
    return $::project
}

proc do_current_fileset {options operands} {
    need {$::project ne ""} "no project is open"
    return sources_1
}

# As the catalog does: every component.xml below the repositories.
proc do_update_ip_catalog {options operands} {
    need {[llength $::repositories]} "update_ip_catalog without ip_repo_paths"
    foreach repository $::repositories {
        need {[file isdirectory $repository]} "no such IP repository: $repository"
        set components [glob -nocomplain -directory $repository component.xml */component.xml]
        need {[llength $components]} "no packaged IP in $repository"
        foreach file $components {
            add_component $file
        }
    }
}

proc add_component {file} {
    set channel [open $file]
    set text [read $channel]
    close $channel
    set vlnv {}
    foreach field {vendor library name version} {
        regexp "<spirit:$field>(\[^<\]*)</spirit:$field>" $text all value
        lappend vlnv $value
    }
    set vlnv [join $vlnv :]
    need {$vlnv ni $::catalog} "two packaged IPs are $vlnv"
    set masters [regexp -all -inline {m_axi_\w+} $text]
    lappend ::catalog $vlnv
    dict set ::KERNEL_IPS $vlnv [lsort -unique $masters]
}

proc do_create_bd_design {options operands} {
    need {$::project ne ""} "no project is open"
    need {$::design eq ""} "a block design is open already"
    set ::design [lindex $operands 0]
    dict set ::state designed 1
    return $::design
}


# ---- Cells, pins, nets ---------------------------------------------------------------------------
# Paths carry their leading slash, as Vivado prints them.

set cells {}       ;# path -> {vlnv V config {KEY VALUE...}}
set ports {}       ;# interface ports: path -> vlnv
set drivers {}     ;# pin -> the pin that drives it
set peers {}       ;# interface -> interface, both ways
set segments {}    ;# list of {space S segment G offset O range R}

proc path {name} {
    return /[string trimleft $name /]
}

# Any change asks for another validation.
proc changed {} {
    need {$::design ne ""} "no block design is open"
    need {![dict exists $::state saved]} "the block design was saved already"
    dict unset ::state validated
}

proc do_create_bd_cell {options operands} {
    changed
    set path [path [lindex $operands 0]]
    set vlnv [option $options -vlnv]
    need {[option $options -type] eq "ip"} "create_bd_cell without -type ip"
    need {$vlnv in $::catalog} "the IP catalog has no $vlnv"
    need {![dict exists $::cells $path]} "there is a cell $path already"
    dict set ::cells $path [dict create vlnv $vlnv config {}]
    return $path
}

proc do_create_bd_intf_port {options operands} {
    changed
    set path [path [lindex $operands 0]]
    need {[option $options -mode] in {Master Slave}} "create_bd_intf_port without -mode"
    need {[option $options -vlnv] in $::PORT_INTERFACES} "no interface [option $options -vlnv]"
    need {![dict exists $::ports $path]} "there is a port $path already"
    dict set ::ports $path [option $options -vlnv]
    return $path
}

proc cell_of {path} {
    return /[lindex [split $path /] 1]
}

# What the pins, interfaces, spaces or segments of a cell are, as its configuration has them now.
proc parts_of {what cell} {
    return [dict get [ip_parts [dict get $::cells $cell]] $what]
}

proc find {what pattern} {
    set path [path $pattern]
    set cell [cell_of $path]
    need {[dict exists $::cells $cell]} "no cell $cell"
    set name [string range $path [string length $cell]+1 end]
    need {[dict exists [parts_of $what $cell] $name]} "$cell has no '$name' among its $what"
    return $path
}

proc part {what path} {
    set cell [cell_of $path]
    return [dict get [parts_of $what $cell] [string range $path [string length $cell]+1 end]]
}

proc do_get_bd_cells {options operands} {
    set path [path [lindex $operands 0]]
    need {[dict exists $::cells $path]} "no cell $path"
    return $path
}

proc do_get_bd_pins {options operands} { return [find pins [lindex $operands 0]] }
proc do_get_bd_intf_pins {options operands} { return [find interfaces [lindex $operands 0]] }
proc do_get_bd_addr_spaces {options operands} { return [find spaces [lindex $operands 0]] }
proc do_get_bd_addr_segs {options operands} { return [find segments [lindex $operands 0]] }

proc do_get_bd_intf_ports {options operands} {
    set path [path [lindex $operands 0]]
    need {[dict exists $::ports $path]} "no interface port $path"
    return $path
}

# A net has one source; a pin has one net; clocks go to clocks, resets to resets of their polarity.
proc do_connect_bd_net {options operands} {
    changed
    set sources {}
    set sinks {}
    foreach pin $operands {
        lassign [part pins $pin] direction kind
        if {$direction eq "O"} {
            lappend sources $pin
        } else {
            lappend sinks $pin
        }
    }
    need {[llength $sources] == 1} "a net needs one source, not '$sources'"
    need {[llength $sinks]} "a net without a sink"
    foreach sink $sinks {
        need {![dict exists $::drivers $sink]} "$sink is driven already"
        set given [lindex [part pins $sources] 1]
        set taken [lindex [part pins $sink] 1]
        need {$given eq $taken} "$sink is a $taken, and $sources a $given"
        dict set ::drivers $sink $sources
    }
}

proc do_connect_bd_intf_net {options operands} {
    changed
    set types {}
    set roles {}
    foreach end $operands {
        need {![dict exists $::peers $end]} "$end is connected already"
        if {[dict exists $::ports $end]} {
            lappend types [dict get $::ports $end]
            lappend roles out
        } else {
            lassign [part interfaces $end] role type
            lappend types $type
            lappend roles $role
        }
    }
    need {[lindex $types 0] eq [lindex $types 1]} "[join $operands { and }] differ in type"
    need {[lsort $roles] in {{master slave} {master out}}} \
        "[join $operands { and }] are no master and slave"
    lassign $operands one other
    dict set ::peers $one $other
    dict set ::peers $other $one
}


# ---- Addresses -----------------------------------------------------------------------------------

proc do_assign_bd_address {options operands} {
    changed
    set space [option $options -target_address_space]
    foreach name {-offset -range -target_address_space} {
        need {[option $options $name] ne ""} "assign_bd_address without $name"
    }
    need {[llength $operands] == 1} "assign_bd_address of '$operands'"
    set segment [lindex $operands 0]
    set offset [option $options -offset]
    set range [option $options -range]
    need {[string is entier -strict $offset] && [string is entier -strict $range]} \
        "offset $offset and range $range are no numbers"
    set offset [expr {$offset + 0}]
    set range [expr {$range + 0}]
    need {$range >= 4096 && ($range & ($range - 1)) == 0} "range $range is no power of two"
    need {$offset % $range == 0} \
        [format "offset %#x is no multiple of its range %#x" $offset $range]
    lassign [part segments $segment] slave least most
    need {$offset >= $least && $offset + $range <= $most} \
        [format "%s cannot be at %#x" $segment $offset]
    set master [reaching $space [cell_of $segment]/$slave]
    lassign [window $master] first beyond
    need {$offset >= $first && $offset + $range <= $beyond} \
        [format "%s does not reach %#x" $master $offset]
    foreach other $::segments {
        if {[dict get $other space] eq $space} {
            need {[dict get $other segment] ne $segment} "$segment has an address in $space already"
            set start [dict get $other offset]
            need {$offset + $range <= $start || $start + [dict get $other range] <= $offset} \
                "$segment overlaps [dict get $other segment] in $space"
        }
    }
    lappend ::segments [dict create space $space segment $segment offset $offset range $range]
    return $segment
}

# The master interface of an address space that is connected with a slave, through interconnects.
proc reaching {space slave} {
    set cell [cell_of $space]
    foreach master [part spaces $space] {
        if {$slave in [slaves_from $cell/$master]} {
            return $cell/$master
        }
    }
    refuse "no connection from $space to $slave"
}

proc slaves_from {master} {
    if {![dict exists $::peers $master]} {
        return {}
    }
    set end [dict get $::peers $master]
    set cell [cell_of $end]
    if {![is_interconnect [dict get $::cells $cell vlnv]]} {
        return [list $end]
    }
    set found {}
    dict for {name interface} [parts_of interfaces $cell] {
        if {[lindex $interface 0] eq "master"} {
            lappend found {*}[slaves_from $cell/$name]
        }
    }
    return $found
}


# ---- From design to runs -------------------------------------------------------------------------

proc do_validate_bd_design {options operands} {
    need {[llength $::segments]} "a block design without addresses"
    dict set ::state validated 1
}

proc do_save_bd_design {options operands} {
    need {[dict exists $::state validated]} "the block design was not validated"
    dict set ::state saved 1
}

proc bd_file {} {
    return [file join $::folder $::project.srcs sources_1 bd $::design $::design.bd]
}

proc do_get_files {options operands} {
    need {[lindex $operands 0] eq "$::design.bd"} "no file [lindex $operands 0]"
    need {[dict exists $::state saved]} "the block design was not saved"
    return [bd_file]
}

proc generated {args} {
    return [file join $::folder $::project.gen sources_1 bd $::design {*}$args]
}

proc write_file {path text} {
    file mkdir [file dirname $path]
    set channel [open $path w]
    puts $channel $text
    close $channel
}

proc do_generate_target {options operands} {
    lassign $operands target file
    need {$target eq "all"} "unknown target $target"
    need {$file eq [bd_file]} "no design $file"
    dict set ::state generated 1
    write_file [generated hw_handoff $::design.hwh] "<!-- hwh of $::design -->"
}

proc do_make_wrapper {options operands} {
    need {[option $options -files] eq [bd_file]} "no design [option $options -files]"
    need {[dict exists $options -top]} "make_wrapper without -top"
    set wrapper [generated hdl ${::design}_wrapper.v]
    write_file $wrapper "// wrapper of $::design"
    return $wrapper
}

proc do_add_files {options operands} {
    foreach file $operands {
        need {[file isfile $file]} "no file $file"
        need {[file tail $file] eq "${::design}_wrapper.v"} "unexpected file $file"
    }
    dict set ::state wrapped 1
}

proc do_update_compile_order {options operands} {
    need {[option $options -fileset] eq "sources_1"} "no fileset [option $options -fileset]"
    dict set ::state ordered 1
}

set runs {
    synth_1 {last synth_design PROGRESS 0% STATUS {Not started}}
    impl_1 {last route_design PROGRESS 0% STATUS {Not started}}
}

proc do_get_runs {options operands} {
    set name [lindex $operands 0]
    need {[dict exists $::runs $name]} "no run $name"
    return $name
}

proc do_launch_runs {options operands} {
    set name [lindex $operands 0]
    need {[dict exists $::runs $name]} "no run $name"
    need {![dict exists $::state launched $name]} "$name was launched already"
    if {$name eq "synth_1"} {
        foreach step {generated wrapped top ordered} {
            need {[dict exists $::state $step]} "synthesis of a design that is not $step"
        }
    } else {
        need {[dict get $::runs synth_1 PROGRESS] eq "100%"} "$name before synth_1 is complete"
    }
    dict set ::state launched $name 1
    if {$::play(KILL) eq $name} {
        finish 137
    }
}

proc do_wait_on_runs {options operands} {
    set name [lindex $operands 0]
    need {[dict exists $::state launched $name]} "$name was not launched"
    set progress $::play([expr {$name eq "synth_1" ? "SYNTH" : "IMPL"}])
    set last [dict get $::runs $name last]
    dict set ::runs $name PROGRESS $progress
    dict set ::runs $name STATUS \
        [expr {$progress eq "100%" ? "$last Complete!" : "$last ERROR"}]
    if {$name eq "impl_1" && $progress eq "100%"} {
        foreach statistic {WNS WHS TPWS} {
            dict set ::runs $name STATS.$statistic $::play($statistic)
        }
    }
}

proc do_open_run {options operands} {
    set name [lindex $operands 0]
    need {[dict get $::runs $name PROGRESS] eq "100%"} "$name is not complete"
    dict set ::state opened $name
}

proc need_routed {} {
    need {[dict exists $::state opened] && [dict get $::state opened] eq "impl_1"} \
        "impl_1 is not open"
}

proc do_report_utilization {options operands} { write_report [option $options -file] }
proc do_report_timing_summary {options operands} { write_report [option $options -file] }

proc write_report {path} {
    need_routed
    need {[file isdirectory [file dirname $path]]} "no folder for $path"
    write_file $path "a report"
}

# The cells of a routed design: registers, tables, and as many DSP blocks as are played.
proc do_get_cells {options operands} {
    need_routed
    need {[dict exists $options -hierarchical]} "get_cells without -hierarchical sees the top only"
    need {[regexp {^REF_NAME =~ (\S+)$} [option $options -filter] all pattern]} \
        "unknown filter [option $options -filter]"
    set found {}
    foreach {reference count} [list FDRE 3 LUT6 5 DSP48E1 $::play(DSP)] {
        for {set k 0} {$k < $count && [string match $pattern $reference]} {incr k} {
            lappend found inst/$reference$k
        }
    }
    return $found
}

proc do_write_bitstream {options operands} {
    need_routed
    need {[file extension [lindex $operands 0]] eq ".bit"} "a bitstream is called .bit"
    write_file [lindex $operands 0] "bitstream of $::design"
    dict set ::state bitstream 1
}


# ---- Properties ----------------------------------------------------------------------------------

proc do_set_property {options operands} {
    if {[dict exists $options -dict]} {
        need {[llength $operands] == 1} "set_property -dict takes objects only"
        set pairs [dict get $options -dict]
        need {[llength $pairs] % 2 == 0 && [llength $pairs]} "set_property -dict without pairs"
        set object [lindex $operands 0]
    } else {
        need {[llength $operands] == 3} "set_property takes name, value and object"
        lassign $operands name value object
        set pairs [list $name $value]
    }
    foreach {name value} $pairs {
        set_one $object $name $value
    }
}

proc set_one {object name value} {
    if {[dict exists $::cells $object]} {
        changed
        set key [regsub {^CONFIG\.} $name {}]
        need {$key ne $name} "a cell's property is called CONFIG.$name"
        check_parameter [dict get $::cells $object vlnv] $key $value
        need {![dict exists $::cells $object config $key]} "$name of $object was set already"
        dict set ::cells $object config $key $value
    } elseif {$object eq "synth_1" && $name eq "STEPS.SYNTH_DESIGN.ARGS.MAX_DSP"} {
        need {[string is integer -strict $value] && $value >= -1} "$name cannot be $value"
        need {![dict exists $::state launched synth_1]} "$name after the run was launched"
        dict set ::runs synth_1 MAX_DSP $value
    } elseif {$object eq "sources_1" && $name eq "ip_repo_paths"} {
        set ::repositories $value
    } elseif {$object eq "sources_1" && $name eq "top"} {
        need {[dict exists $::state wrapped]} "top $value has no file"
        need {$value eq "${::design}_wrapper"} "no module $value"
        dict set ::state top $value
    } elseif {$::design ne "" && $object eq [bd_file] && $name eq "synth_checkpoint_mode"} {
        need {$value in {None Singular Hierarchical}} "$name cannot be $value"
        need {![dict exists $::state generated]} "$name after the targets were generated"
        dict set ::state checkpoints $value
    } else {
        refuse "'$object' has no property $name that can be set"
    }
}

proc do_get_property {options operands} {
    lassign $operands name object
    if {[dict exists $::cells $object]} {
        return [derived_parameter [dict get $::cells $object] [regsub {^CONFIG\.} $name {}]]
    }
    if {[dict exists $::runs $object]} {
        if {$name eq "DIRECTORY"} {
            return [file join $::folder $::project.runs $object]
        }
        need {$name in {PROGRESS STATUS STATS.WNS STATS.WHS STATS.TPWS}} "a run has no $name"
        need {[dict exists $::runs $object $name]} "$name of $object before it is complete"
        return [dict get $::runs $object $name]
    }
    refuse "'$object' has no property $name"
}


# ---- The script, in an interpreter that has nothing else -----------------------------------------

# A procedure with the name of a command would replace it for Vivado's own scripts too.
proc refuse_replaced_commands {} {
    foreach name [interp eval vivado {info procs}] {
        if {$name in $::builtins || [dict exists $::COMMANDS $name] || $name in $::OTHER_COMMANDS} {
            lappend ::refused "refused: the script replaces $name"
        }
    }
}

proc finish {{code 0}} {
    refuse_replaced_commands
    if {[llength $::refused]} {
        set code 3
    }
    write_graph $::graph_file $code
    exit $code
}

interp create vivado
set library [interp eval vivado {info procs}]
set builtins [lmap name [interp eval vivado {info commands}] {
    expr {$name in $library ? [continue] : $name}
}]
set hidden {exec socket cd load}
set newer_than_8.5 {coroutine lmap tailcall throw try yield yieldto zlib}
foreach command [concat $hidden ${newer_than_8.5}] {
    interp hide vivado $command
}
foreach command [dict keys $COMMANDS] {
    interp alias vivado $command {} call $command
}
interp alias vivado unknown {} refuse_unknown
interp alias vivado exit {} finish

proc refuse_unknown {args} {
    lappend ::refused "refused: unknown command [lindex $args 0]"
    return -code error [lindex $::refused end]
}

if {[catch {interp eval vivado [list source $script]} message]} {
    puts stderr $message
    finish 1
}
finish 0
