# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
#
# The IPs that overlays use, with the pins they have under a configuration. A port of the
# processing system that nobody enabled does not exist, whatever its default.

set PARTS {xc7z020clg400-1 xc7z010clg400-1}
set PORT_INTERFACES {
    xilinx.com:interface:ddrx_rtl:1.0
    xilinx.com:display_processing_system7:fixedio_rtl:1.0
}
set AXI xilinx.com:interface:aximm_rtl:1.0

# Of the fixed IPs: each parameter with a pattern of its values.
set FIXED_IPS {
    xilinx.com:ip:processing_system7:5.5 {
        PCW_CRYSTAL_PERIPHERAL_FREQMHZ {^\d+(\.\d+)?$}
        PCW_APU_PERIPHERAL_FREQMHZ     {^\d+(\.\d+)?$}
        PCW_PRESET_BANK0_VOLTAGE       {^LVCMOS (1\.8|2\.5|3\.3)V$}
        PCW_PRESET_BANK1_VOLTAGE       {^LVCMOS (1\.8|2\.5|3\.3)V$}
        PCW_UIPARAM_DDR_PARTNO         {^MT41[JK]\d+M\d+ \w+-\w+$}
        PCW_UIPARAM_DDR_BUS_WIDTH      {^(16|32) Bit$}
        PCW_UIPARAM_DDR_FREQ_MHZ       {^\d+(\.\d+)?$}
        PCW_FPGA_FCLK0_ENABLE          {^[01]$}
        PCW_FPGA0_PERIPHERAL_FREQMHZ   {^\d+(\.\d+)?$}
        PCW_EN_CLK0_PORT               {^[01]$}
        PCW_EN_RST0_PORT               {^[01]$}
        PCW_USE_M_AXI_GP0              {^[01]$}
        PCW_USE_M_AXI_GP1              {^[01]$}
        PCW_USE_S_AXI_HP0              {^[01]$}
        PCW_USE_S_AXI_HP1              {^[01]$}
        PCW_USE_S_AXI_HP2              {^[01]$}
        PCW_USE_S_AXI_HP3              {^[01]$}
        PCW_S_AXI_HP0_DATA_WIDTH       {^(32|64)$}
        PCW_S_AXI_HP1_DATA_WIDTH       {^(32|64)$}
        PCW_S_AXI_HP2_DATA_WIDTH       {^(32|64)$}
        PCW_S_AXI_HP3_DATA_WIDTH       {^(32|64)$}
    }
    xilinx.com:ip:proc_sys_reset:5.0 {}
    xilinx.com:ip:smartconnect:1.0 {
        NUM_SI {^([1-9]|1[0-6])$}
        NUM_MI {^([1-9]|1[0-6])$}
    }
}
set KERNEL_IPS {}  ;# of the repositories: VLNV -> names of its m_axi interfaces

proc check_parameter {vlnv key value} {
    if {![dict exists $::FIXED_IPS $vlnv $key]} {
        refuse "$vlnv has no parameter $key"
    }
    if {![regexp [dict get $::FIXED_IPS $vlnv $key] $value]} {
        refuse "$key cannot be '$value'"
    }
}

# What an IP computes from its parameters.
proc derived_parameter {cell key} {
    if {$key ne "PCW_ACT_FPGA0_PERIPHERAL_FREQMHZ"} {
        refuse "[dict get $cell vlnv] computes no $key"
    }
    if {$::play(FCLK) ne ""} {
        return $::play(FCLK)
    }
    return [format %.6f [dict get $cell config PCW_FPGA0_PERIPHERAL_FREQMHZ]]
}

proc is_interconnect {vlnv} {
    return [string match *:smartconnect:* $vlnv]
}

# Where a master can put addresses (UG585): {first beyond}.
proc window {master} {
    switch -glob $master {
        */M_AXI_GP0 { return {0x40000000 0x80000000} }
        */M_AXI_GP1 { return {0x80000000 0xC0000000} }
    }
    return {0 0x100000000}
}

# pins:       name -> {direction kind}
# interfaces: name -> {master|slave type}
# spaces:     name -> its master interfaces
# segments:   name -> {slave interface, least offset, end}
proc ip_parts {cell} {
    set vlnv [dict get $cell vlnv]
    set config [dict get $cell config]
    switch $vlnv {
        xilinx.com:ip:processing_system7:5.5 { set parts [processing_system_parts $config] }
        xilinx.com:ip:proc_sys_reset:5.0 { set parts [reset_parts] }
        xilinx.com:ip:smartconnect:1.0 { set parts [interconnect_parts $config] }
        default { set parts [kernel_parts [dict get $::KERNEL_IPS $vlnv]] }
    }
    return $parts
}

proc enabled {config key} {
    return [expr {[dict exists $config $key] && [dict get $config $key]}]
}

proc processing_system_parts {config} {
    set pins {}
    set interfaces {
        DDR {master xilinx.com:interface:ddrx_rtl:1.0}
        FIXED_IO {master xilinx.com:display_processing_system7:fixedio_rtl:1.0}
    }
    set masters {}
    set segments {}
    if {[enabled $config PCW_EN_CLK0_PORT] && [enabled $config PCW_FPGA_FCLK0_ENABLE]} {
        dict set pins FCLK_CLK0 {O clock}
    }
    if {[enabled $config PCW_EN_RST0_PORT]} {
        dict set pins FCLK_RESET0_N {O external_reset}
    }
    foreach port {M_AXI_GP0 M_AXI_GP1} {
        if {[enabled $config PCW_USE_$port]} {
            dict set pins ${port}_ACLK {I clock}
            dict set interfaces $port [list master $::AXI]
            lappend masters $port
        }
    }
    foreach port {HP0 HP1 HP2 HP3} {
        if {[enabled $config PCW_USE_S_AXI_$port]} {
            dict set pins S_AXI_${port}_ACLK {I clock}
            dict set interfaces S_AXI_$port [list slave $::AXI]
            dict set segments S_AXI_$port/${port}_DDR_LOWOCM \
                [list S_AXI_$port 0 [ddr_bytes $config]]
        }
    }
    return [dict create pins $pins interfaces $interfaces \
        spaces [dict create Data $masters] segments $segments]
}

# Of MT41J256M16: 256 Mi words of 16 bits a chip, as many chips as the bus is wide.
proc ddr_bytes {config} {
    foreach key {PCW_UIPARAM_DDR_PARTNO PCW_UIPARAM_DDR_BUS_WIDTH} {
        if {![dict exists $config $key]} {
            return 0
        }
    }
    regexp {(\d+)M(\d+) } [dict get $config PCW_UIPARAM_DDR_PARTNO] all megawords width
    regexp {\d+} [dict get $config PCW_UIPARAM_DDR_BUS_WIDTH] bus
    return [expr {$megawords * 1048576 * $width / 8 * ($bus / $width)}]
}

proc reset_parts {} {
    set pins {
        slowest_sync_clk {I clock}
        ext_reset_in {I external_reset}
        peripheral_aresetn {O reset_n}
        interconnect_aresetn {O reset_n}
        peripheral_reset {O reset}
        bus_struct_reset {O reset}
        mb_reset {O reset}
    }
    return [dict create pins $pins interfaces {} spaces {} segments {}]
}

proc interconnect_parts {config} {
    set interfaces {}
    foreach {side key role} {S NUM_SI slave M NUM_MI master} {
        set count [expr {[dict exists $config $key] ? [dict get $config $key] : 0}]
        for {set k 0} {$k < $count} {incr k} {
            dict set interfaces [format %s%02d_AXI $side $k] [list $role $::AXI]
        }
    }
    return [dict create pins {aclk {I clock} aresetn {I reset_n}} interfaces $interfaces \
        spaces {} segments {}]
}

# As Vitis HLS packages a kernel.
proc kernel_parts {masters} {
    set pins {ap_clk {I clock} ap_rst_n {I reset_n} interrupt {O interrupt}}
    set interfaces [dict create s_axi_control [list slave $::AXI]]
    set spaces {}
    foreach master $masters {
        dict set interfaces $master [list master $::AXI]
        dict set spaces Data_$master $master
    }
    return [dict create pins $pins interfaces $interfaces spaces $spaces \
        segments {s_axi_control/Reg {s_axi_control 0 0x100000000}}]
}
