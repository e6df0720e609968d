# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
#
# Vivado's commands as UG835 (2022.1 to 2024.1) documents them:
# name {options without a value} {options with one} {fewest operands} {most operands}
# -quiet is left out on purpose, but for questions whose answer may be "none": it hides failures.

set COMMANDS {}

proc command {name flags valued least most} {
    dict set ::COMMANDS $name [list [concat $flags -verbose] $valued $least $most]
}

command create_project {-force -in_memory -ip -rtl_kernel} {-part} 1 2
command current_fileset {-constrset -simset -srcset} {} 0 1
command set_property {} {-dict -name -value -objects} 1 3
command get_property {-min -max} {} 2 2

command update_ip_catalog {-rebuild -create_index -update_module_ref} \
    {-add_ip -delete_ip -delete_mult_ip -disable_ip -enable_ip -add_interface -repo_path} 0 0
command create_bd_design {} {-dir -cell} 1 1
command create_bd_cell {} {-vlnv -type -reference -revision} 1 1
command create_bd_intf_port {} {-vlnv -mode} 1 1
command get_bd_cells {-regexp -hierarchical} {-filter -of_objects} 1 1
command get_bd_pins {-regexp -hierarchical} {-filter -of_objects} 1 1
command get_bd_intf_pins {-regexp -hierarchical} {-filter -of_objects} 1 1
command get_bd_intf_ports {-regexp} {-filter -of_objects} 1 1
command get_bd_addr_spaces {-regexp -hierarchical} {-filter -of_objects} 1 1
command get_bd_addr_segs {-regexp -hierarchical -excluded -addressed -unaddressed} \
    {-filter -of_objects} 1 1
command connect_bd_net {} {-net -boundary_type} 2 9999
command connect_bd_intf_net {} {-intf_net -boundary_type} 2 2
command assign_bd_address {-boundary -master_boundary -external} \
    {-target_address_space -offset -range -base_high -dict -import_from_file -export_to_file
        -export_gui_to_file} 1 9999
command validate_bd_design {-force -include_pfm} {-design -steps} 0 0
command save_bd_design {} {} 0 1

command get_files {-regexp -nocase -all} {-filter -of_objects} 1 1
command generate_target {-force} {} 2 2
command make_wrapper {-top -testbench -inst_template -import -force} {-files -fileset} 0 0
command add_files {-norecurse -scan_for_includes} {-fileset -of_objects -copy_to} 1 9999
command update_compile_order {-force_gui} {-fileset} 0 0

command get_runs {-regexp -nocase} {-filter} 1 1
command launch_runs {-scripts_only -next_step -email_all -force} \
    {-jobs -lsf -sge -cluster_configuration -dir -to_step -host -remote_cmd -email_to
        -pre_launch_script -post_launch_script -custom_script} 1 9999
command wait_on_runs {} {-timeout -exit_condition} 1 9999
command open_run {} {-name} 1 1
command get_cells {-quiet -hierarchical -regexp -nocase -include_replicated_objects} \
    {-hsc -filter -of_objects} 0 9999
command report_utilization {-append -return_string -hierarchical -no_primitives} \
    {-file -pblocks -cells -name -hierarchical_depth} 0 0
command report_timing_summary {-append -return_string -no_detailed_paths -report_unconstrained} \
    {-file -delay_type -max_paths -nworst -name} 0 0
command write_bitstream {-force -raw_bitfile -no_binary_bitfile -mask_file -bin_file} \
    {-reference_bitfile -cell} 1 1

# Known by name only: no script calls them here, and none may define a procedure of that name.
set OTHER_COMMANDS {
    archive_project check_timing close_design close_project compile_c connect_net create_ip
    create_run current_bd_design current_design current_project current_run delete_runs
    import_files link_design open_bd_design open_checkpoint open_project opt_design
    phys_opt_design place_design power_opt_design program_hw_devices read_bd read_ip
    refresh_design report_clocks report_drc report_power report_property report_timing
    reset_project reset_run reset_runs route_design run save_project_as start_gui stop
    synth_design synth_ip upgrade_ip wait_on_run write_bd_tcl write_checkpoint
    write_hw_platform write_project_tcl
}
