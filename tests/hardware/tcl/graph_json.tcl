# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
#
# The recorded design as JSON.

proc json_string {text} {
    return \"[string map {\\ \\\\ \" \\\" \n \\n \t \\t} $text]\"
}

proc json_list {items} {
    return \[[join $items ", "]\]
}

# names and values that are JSON already
proc json_object {pairs} {
    set members {}
    foreach {name value} $pairs {
        lappend members "[json_string $name]: $value"
    }
    return "{[join $members ",\n"]}"
}

proc json_strings {pairs} {
    return [json_object [dict map {name value} $pairs {json_string $value}]]
}

proc write_graph {path code} {
    set cells [dict map {cell content} $::cells {
        json_object [list \
            vlnv [json_string [dict get $content vlnv]] \
            config [json_strings [dict get $content config]]]
    }]
    set pins {}
    set interfaces {}
    foreach cell [dict keys $::cells] {
        dict for {name pin} [parts_of pins $cell] {
            lappend pins $cell/$name [pin_json $cell/$name $pin]
        }
        dict for {name interface} [parts_of interfaces $cell] {
            lappend interfaces $cell/$name [interface_json $cell/$name $interface]
        }
    }
    set segments [lmap segment $::segments {
        json_object [list \
            space [json_string [dict get $segment space]] \
            segment [json_string [dict get $segment segment]] \
            offset [dict get $segment offset] range [dict get $segment range]]
    }]
    set synthesis [list \
        checkpoints [lookup $::state checkpoints] max_dsp [lookup $::runs synth_1 MAX_DSP]]
    set file [open $path w]
    puts $file [json_object [list \
        exit $code \
        part [json_string [expr {[info exists ::part] ? $::part : ""}]] \
        design [json_string $::design] \
        cells [json_object $cells] \
        pins [json_object $pins] \
        interfaces [json_object $interfaces] \
        segments [json_list $segments] \
        synthesis [json_strings $synthesis] \
        bitstream [expr {[dict exists $::state bitstream] ? "true" : "false"}] \
        calls [json_list [lmap call $::calls {json_string $call}]] \
        refused [json_list [lmap fault $::refused {json_string $fault}]]]]
    close $file
}

proc pin_json {path pin} {
    lassign $pin direction kind
    return [json_strings [list direction $direction kind $kind driver [lookup $::drivers $path]]]
}

proc interface_json {path interface} {
    return [json_strings [list role [lindex $interface 0] peer [lookup $::peers $path]]]
}

proc lookup {dictionary args} {
    if {[dict exists $dictionary {*}$args]} {
        return [dict get $dictionary {*}$args]
    }
    return ""
}
