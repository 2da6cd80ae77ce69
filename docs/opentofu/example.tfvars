# Two load balancers, three control planes, two workers; copy it to terraform.tfvars and make it yours.
image          = "https://cloud.debian.org/images/cloud/trixie/20260914-2601/debian-13-genericcloud-amd64-20260914-2601.qcow2"
ssh_public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample admin@example.com"
endpoint       = "192.0.2.10"

network = {
  bridge      = "br0"
  prefix      = 24
  gateway     = "192.0.2.1"
  nameservers = ["192.0.2.1"]
}

machines = {
  lb1 = { group = "load_balancers", address = "192.0.2.11", cpus = 1, memory_mib = 1024, disk_gib = 15 }
  lb2 = { group = "load_balancers", address = "192.0.2.12", cpus = 1, memory_mib = 1024, disk_gib = 15 }
  cp1 = { group = "control_plane", address = "192.0.2.21", cpus = 4, memory_mib = 8192, disk_gib = 60 }
  cp2 = { group = "control_plane", address = "192.0.2.22", cpus = 4, memory_mib = 8192, disk_gib = 60 }
  cp3 = { group = "control_plane", address = "192.0.2.23", cpus = 4, memory_mib = 8192, disk_gib = 60 }
  w1  = { group = "workers", address = "192.0.2.41", cpus = 8, memory_mib = 32768, disk_gib = 120, labels = { "topology.kubernetes.io/zone" = "a" } }
  w2  = { group = "workers", address = "192.0.2.42", cpus = 8, memory_mib = 32768, disk_gib = 120, labels = { "topology.kubernetes.io/zone" = "b" } }
}
