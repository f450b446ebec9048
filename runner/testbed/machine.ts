/** How a machine is put together: the arguments of QEMU. */
import type { Accelerator } from './accelerator.js'
import type { Kernel } from './kernel.js'

export const QEMU = 'qemu-system-x86_64'

/**
 * On a host that does much else a machine waits so long for its processor that the kernel takes its timers, and its
 * clock, for broken, when it tests them.
 */
export const KERNEL_WORDS = 'console=ttyS0 panic=-1 quiet no_timer_check tsc=reliable nowatchdog'

/**
 * Nanoseconds that an instruction takes on the clock of a machine whose time is counted. Its clock then goes by what its
 * processor does, not by what else the host has to do: the same program takes the same time each time.
 */
const COUNTED_NANOS = 2

/** What all machines of a testbed have in common. */
export interface Network {
  /** A multicast group of the loopback device: every machine gets every frame, as on a hub. */
  readonly group: string
  readonly port: number
  /** First five bytes of the machines' hardware addresses. */
  readonly prefix: string
}

export interface MachineOrder {
  readonly machine: number
  readonly kernel: Kernel
  readonly accelerator: Accelerator
  readonly memoryMiB: number
  readonly processors: number
  readonly isCounted: boolean
  readonly network: Network
  /** Unix socket at which the keeper waits for the machine's agent. */
  readonly agentSocket: string
  /** What its console says. */
  readonly log: string
  /** Folder of the host that all machines may write. */
  readonly share: string
}

/** Private addresses that hardly anybody uses; nothing outside of the machines sees them. */
export const addressOf = (machine: number): string => `10.77.83.${String(machine + 1)}`
export const PREFIX_LENGTH = 24

export const hardwareAddress = ({ prefix }: Network, machine: number): string =>
  `${prefix}:${(machine + 1).toString(16).padStart(2, '0')}`

/** Common to machines and to the probe: no device that is not asked for. */
export function baseArguments({ image, initramfs }: Kernel, accelerator: Accelerator): string[] {
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-accel', accelerator, '-cpu', accelerator === 'kvm' ? 'host' : 'max'],
    ...['-kernel', image, '-initrd', initramfs],
  ]
}

export function machineArguments(order: MachineOrder): string[] {
  const { machine, kernel, accelerator, memoryMiB, processors, isCounted, network, agentSocket, log, share } =
    order
  const { group, port } = network
  return [
    ...baseArguments(kernel, accelerator),
    ...['-m', String(memoryMiB), '-smp', String(processors)],
    ...(isCounted ? ['-icount', `shift=${String(Math.log2(COUNTED_NANOS))},sleep=off`] : []),
    ...['-chardev', `file,id=console,path=${escaped(log)},append=on`, '-serial', 'chardev:console'],
    ...['-device', 'virtio-rng-pci'],
    ...['-netdev', `socket,id=net,mcast=${group}:${String(port)},localaddr=127.0.0.1`],
    ...['-device', `virtio-net-pci,netdev=net,romfile=,mac=${hardwareAddress(network, machine)}`],
    ...['-fsdev', 'local,id=host,path=/,security_model=none,readonly=on,multidevs=remap'],
    ...['-device', 'virtio-9p-pci,fsdev=host,mount_tag=host'],
    ...['-fsdev', `local,id=share,path=${escaped(share)},security_model=none`],
    ...['-device', 'virtio-9p-pci,fsdev=share,mount_tag=share'],
    ...['-chardev', `socket,id=agent,path=${escaped(agentSocket)}`],
    ...['-device', 'virtio-serial-pci', '-device', 'virtserialport,chardev=agent,name=agent'],
    ...['-append', `${KERNEL_WORDS} aviary.machine=${String(machine)}`],
  ]
}

/** A comma in a value of QEMU's is written twice. */
const escaped = (path: string): string => path.replaceAll(',', ',,')
