# What the inventory plugin kubestd.platform.opentofu reads.
output "machines" {
  description = "Machines by their names, with the group, the address and variables of each."
  value = {
    for name, machine in var.machines : name => {
      group     = machine.group
      address   = machine.address
      variables = length(machine.labels) > 0 ? { cluster_node_labels = machine.labels } : {}
    }
  }
}

output "variables" {
  description = "Variables of all machines."
  value = {
    ansible_user          = var.user
    ansible_become        = true
    cluster_name          = var.cluster_name
    cluster_endpoint      = { host = var.endpoint, port = 6443 }
    cluster_load_balancer = { mode = "dedicated", virtual_ip = var.endpoint }
  }
}
