# Plain virtual machines for a cluster, on a host with libvirt. Any other provider does as well: what matters is outputs.tf.
terraform {
  required_version = ">= 1.8"
  required_providers {
    libvirt = {
      source  = "dmacvicar/libvirt"
      version = "0.9.7" # 0.9 has other resources than 0.8; libvirt itself is not part of the platform's bill of materials
    }
  }
}

provider "libvirt" {
  uri = var.libvirt_uri
}

locals {
  gib = 1024 * 1024 * 1024
}

resource "libvirt_volume" "image" {
  name   = "${var.cluster_name}-image.qcow2"
  pool   = var.pool
  target = { format = { type = "qcow2" } }
  create = { content = { url = var.image } }
}

resource "libvirt_volume" "disk" {
  for_each = var.machines
  name     = "${var.cluster_name}-${each.key}.qcow2"
  pool     = var.pool
  capacity = each.value.disk_gib * local.gib
  target   = { format = { type = "qcow2" } }
  backing_store = {
    path   = libvirt_volume.image.path
    format = { type = "qcow2" }
  }
}

resource "libvirt_cloudinit_disk" "seed" {
  for_each = var.machines
  name     = "${var.cluster_name}-${each.key}-seed"
  meta_data = yamlencode({
    instance-id    = "${var.cluster_name}-${each.key}"
    local-hostname = each.key
  })
  user_data = join("\n", ["#cloud-config", yamlencode({
    ssh_pwauth = false
    users = [{
      name                = var.user
      sudo                = "ALL=(ALL) NOPASSWD:ALL"
      shell               = "/bin/bash"
      ssh_authorized_keys = [var.ssh_public_key]
    }]
  })])
  network_config = yamlencode({
    version = 2
    ethernets = {
      primary = {
        match       = { name = "e*" }
        addresses   = ["${each.value.address}/${var.network.prefix}"]
        routes      = [{ to = "default", via = var.network.gateway }]
        nameservers = { addresses = var.network.nameservers }
      }
    }
  })
}

resource "libvirt_volume" "seed" {
  for_each = var.machines
  name     = "${var.cluster_name}-${each.key}-seed.iso"
  pool     = var.pool
  create   = { content = { url = libvirt_cloudinit_disk.seed[each.key].path } }
}

resource "libvirt_domain" "machine" {
  for_each    = var.machines
  name        = "${var.cluster_name}-${each.key}"
  type        = "kvm"
  vcpu        = each.value.cpus
  memory      = each.value.memory_mib
  memory_unit = "MiB"
  autostart   = true
  running     = true
  cpu         = { mode = "host-passthrough" }
  os = {
    type         = "hvm"
    type_arch    = "x86_64"
    type_machine = "q35"
    boot_devices = [{ dev = "hd" }]
  }
  devices = {
    disks = [
      {
        source = { volume = { pool = var.pool, volume = libvirt_volume.disk[each.key].name } }
        driver = { type = "qcow2" }
        target = { dev = "vda", bus = "virtio" }
      },
      {
        device = "cdrom"
        source = { volume = { pool = var.pool, volume = libvirt_volume.seed[each.key].name } }
        target = { dev = "sda", bus = "sata" }
      },
    ]
    interfaces = [{
      model  = { type = "virtio" }
      source = { bridge = { bridge = var.network.bridge } }
    }]
  }
}
