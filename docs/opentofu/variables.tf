variable "libvirt_uri" {
  type        = string
  default     = "qemu:///system"
  description = "Where libvirt is reached."
}

variable "cluster_name" {
  type        = string
  default     = "k8s"
  description = "Stands before the names of volumes and machines on the host."
}

variable "pool" {
  type        = string
  default     = "default"
  description = "Storage pool of libvirt."
}

variable "image" {
  type        = string
  description = "URL or path of a cloud image (qcow2) of Debian 12 or 13 or Ubuntu 24.04. Take a dated one, and keep a copy of it."
}

variable "user" {
  type        = string
  default     = "admin"
  description = "The user that Ansible logs in as."
}

variable "ssh_public_key" {
  type        = string
  description = "Its public key."
}

variable "network" {
  type = object({
    bridge      = string
    prefix      = number
    gateway     = string
    nameservers = list(string)
  })
  description = "The bridge of the host that the machines are connected to, and the network on it."
}

variable "endpoint" {
  type        = string
  description = "Address of the Kubernetes API that the load balancers share; nobody else may have it."
}

variable "machines" {
  type = map(object({
    group      = string
    address    = string
    cpus       = number
    memory_mib = number
    disk_gib   = number
    labels     = optional(map(string), {})
  }))
  description = "Machines by their names. group: load_balancers, control_plane, workers or build_hosts."

  validation {
    condition     = alltrue([for machine in values(var.machines) : contains(["load_balancers", "control_plane", "workers", "build_hosts"], machine.group)])
    error_message = "group is load_balancers, control_plane, workers or build_hosts."
  }
  validation {
    condition     = length([for machine in values(var.machines) : machine if machine.group == "control_plane"]) % 2 == 1
    error_message = "Write an odd number of machines with group control_plane; etcd has a member on each."
  }
}
