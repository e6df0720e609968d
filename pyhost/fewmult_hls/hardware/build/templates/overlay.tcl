# From here on the script is the same for every overlay; the settings above are all it knows. It is
# written for Tcl 8.5, which older releases of Vivado have.

set here     [file dirname [file normalize [info script]]]
set plan     [file dirname $here]
set project  [file join $here project]
set reports  [file join $here reports]
set products {}
foreach suffix {bit hwh json} {
    lappend products [file join $here $overlay.$suffix]
}

set ps       processing_system7_0
set clock    $ps/FCLK_CLK0


# ---- The block design ----------------------------------------------------------------------------

proc start_project {} {
    global plan project overlay part kernels
    create_project -force -part $part $overlay $project
    set repositories {}
    foreach {kernel instance vlnv base span} $kernels {
        lappend repositories [file join $plan hls $kernel work hls impl ip]
    }
    set_property ip_repo_paths $repositories [current_fileset]
    update_ip_catalog
    create_bd_design $overlay
}

# The processing system, from the board file alone: no vendor board files are needed.
proc add_processor {} {
    global ps processor fabric_mhz
    create_bd_cell -type ip -vlnv xilinx.com:ip:processing_system7:5.5 $ps
    set_property -dict $processor [get_bd_cells $ps]
    # The dividers cannot make every clock, and timing and driver count on this one.
    set made [get_property CONFIG.PCW_ACT_FPGA0_PERIPHERAL_FREQMHZ [get_bd_cells $ps]]
    if {abs($made - $fabric_mhz) > 0.001 * $fabric_mhz} {
        error "the processing system makes $made MHz of $fabric_mhz MHz: take another clock"
    }
    foreach {port vlnv} {
        DDR      xilinx.com:interface:ddrx_rtl:1.0
        FIXED_IO xilinx.com:display_processing_system7:fixedio_rtl:1.0
    } {
        create_bd_intf_port -mode Master -vlnv $vlnv $port
        connect_bd_intf_net [get_bd_intf_ports $port] [get_bd_intf_pins $ps/$port]
    }
}

# Fabric resets, held until FCLK0 runs.
proc add_reset {} {
    global ps
    create_bd_cell -type ip -vlnv xilinx.com:ip:proc_sys_reset:5.0 reset_0
    connect_bd_net [get_bd_pins $ps/FCLK_RESET0_N] [get_bd_pins reset_0/ext_reset_in]
    drive_clock reset_0/slowest_sync_clk
}

proc add_kernels {} {
    global kernels
    foreach {kernel instance vlnv base span} $kernels {
        create_bd_cell -type ip -vlnv $vlnv $instance
        drive_clock $instance/ap_clk
        drive_reset peripheral_aresetn $instance/ap_rst_n
    }
}

# The processor's port to every kernel's registers.
proc connect_control {} {
    global ps kernels control_port
    set registers {}
    foreach {kernel instance vlnv base span} $kernels {
        lappend registers $instance/s_axi_control
    }
    drive_clock $ps/${control_port}_ACLK
    add_interconnect control $ps/$control_port $registers
}

# Every bundle of the kernels' m_axi pointers to its memory port.
proc connect_memory {} {
    global ps memory
    foreach {port masters} $memory {
        drive_clock $ps/${port}_ACLK
        add_interconnect memory_[string tolower $port] $masters $ps/$port
    }
}

# A SmartConnect converts protocol (AXI3 of the processing system, AXI4 of the kernels, AXI4-Lite of
# the registers) and width where its two sides differ.
proc add_interconnect {name masters slaves} {
    create_bd_cell -type ip -vlnv xilinx.com:ip:smartconnect:1.0 $name
    set ports [list CONFIG.NUM_SI [llength $masters] CONFIG.NUM_MI [llength $slaves]]
    set_property -dict $ports [get_bd_cells $name]
    drive_clock $name/aclk
    drive_reset interconnect_aresetn $name/aresetn
    connect_side $name/S $masters
    connect_side $name/M $slaves
}

proc connect_side {side ends} {
    set index 0
    foreach end $ends {
        set port [format %s%02d_AXI $side $index]
        connect_bd_intf_net [get_bd_intf_pins $end] [get_bd_intf_pins $port]
        incr index
    }
}

# There is one clock in the fabric, so no port ever crosses between two.
proc drive_clock {pin} {
    global clock
    connect_bd_net [get_bd_pins $clock] [get_bd_pins $pin]
}

proc drive_reset {source pin} {
    connect_bd_net [get_bd_pins reset_0/$source] [get_bd_pins $pin]
}

# Registers where the manifest has them, memory where the processor has it: a pointer is the same
# number on both sides.
proc assign_addresses {} {
    global ps kernels memory ddr_bytes
    foreach {kernel instance vlnv base span} $kernels {
        map_segment $base $span $ps/Data $instance/s_axi_control/Reg
    }
    foreach {port masters} $memory {
        set segment $ps/$port/[string map {S_AXI_ {}} $port]_DDR_LOWOCM
        foreach master $masters {
            map_segment 0x00000000 $ddr_bytes [string map {/ /Data_} $master] $segment
        }
    }
}

proc map_segment {offset range space segment} {
    set made [assign_bd_address -offset $offset -range $range \
        -target_address_space [get_bd_addr_spaces $space] [get_bd_addr_segs $segment]]
    if {$made eq ""} {
        error "$segment did not get its address $offset in $space"
    }
}

proc finish_design {} {
    global overlay
    validate_bd_design
    save_bd_design
    set design [get_files $overlay.bd]
    # One synthesis for all: a run of its own for each IP would not see the limit on DSP blocks.
    set_property synth_checkpoint_mode None $design
    generate_target all $design
    add_files -norecurse [make_wrapper -files $design -top]
    set_property top ${overlay}_wrapper [current_fileset]
    update_compile_order -fileset sources_1
}


# ---- From design to bitstream --------------------------------------------------------------------

proc implement_design {} {
    global dsp_limit reports
    set_property STEPS.SYNTH_DESIGN.ARGS.MAX_DSP $dsp_limit [get_runs synth_1]
    complete_run synth_1
    complete_run impl_1
    open_run impl_1
    file mkdir $reports
    report_utilization -file [file join $reports utilization.rpt]
    report_timing_summary -file [file join $reports timing_summary.rpt]
}

# wait_on_runs returns quietly whatever became of the run.
proc complete_run {name} {
    launch_runs $name
    wait_on_runs $name
    set progress [get_property PROGRESS [get_runs $name]]
    if {$progress ne "100%"} {
        set status [get_property STATUS [get_runs $name]]
        set log [file join [get_property DIRECTORY [get_runs $name]] runme.log]
        error "$name stopped at $progress ($status): see $log"
    }
}

# Setup, hold and pulse width. A slack that is no number is that of a design without a clock.
proc require_timing {} {
    foreach statistic {WNS WHS TPWS} {
        set slack [get_property STATS.$statistic [get_runs impl_1]]
        if {![string is double -strict $slack] || $slack < 0} {
            error "timing is not met: $statistic is '$slack' ns"
        }
    }
}

proc require_dsp_limit {} {
    global dsp_limit
    set used [llength [get_cells -quiet -hierarchical -filter {REF_NAME =~ DSP48*}]]
    if {$used > $dsp_limit} {
        error "the design uses $used DSP blocks, and the board file allows $dsp_limit"
    }
}

# The three files of an overlay, under one stem.
proc publish_overlay {} {
    global plan project products overlay
    set bitstream [file join $project $overlay.bit]
    write_bitstream -force $bitstream
    set hwh [file join $project $overlay.gen sources_1 bd $overlay hw_handoff $overlay.hwh]
    foreach made [list $bitstream $hwh [file join $plan fewmult.json]] product $products {
        file copy $made $product
    }
}

proc build_overlay {} {
    start_project
    add_processor
    add_reset
    add_kernels
    connect_control
    connect_memory
    assign_addresses
    finish_design
    implement_design
    require_timing
    require_dsp_limit
    publish_overlay
}

# Whatever fails, no file is left that looks like an overlay, of this build or an earlier one.
file delete {*}$products
if {[catch build_overlay fault]} {
    file delete {*}$products
    puts stderr "ERROR: $fault"
    exit 1
}
puts "made [join $products {, }]"
exit 0
