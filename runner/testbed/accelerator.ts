/**
 * KVM where it works. A device node says little: on some hosts a kernel hangs under it. So a kernel is booted to the
 * first line of its first program, with a limit of time; the answer holds until the host is started anew.
 */
import { accessSync, constants, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import { PROBE } from './init.js'
import { type Kernel, cacheFolder } from './kernel.js'
import { KERNEL_WORDS, QEMU, baseArguments } from './machine.js'
import { run } from './processes.js'

/** As QEMU calls them: the processor's own virtualization, and emulation. */
export type Accelerator = 'kvm' | 'tcg'

/** Under KVM it takes about a second; a slow host gets several times that. */
const PROBE_MILLIS = 6000

export async function chooseAccelerator(kernel: Kernel, tell: (line: string) => void): Promise<Accelerator> {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK)
  } catch {
    return 'tcg'
  }
  const path = join(cacheFolder(), 'accelerator.json')
  const host = `${hostBoot()} ${release()} ${kernel.release}`
  const known = readKnown(path)
  if (known?.host === host) return known.accelerator
  tell('trying KVM')
  const args = [...baseArguments(kernel, 'kvm'), '-m', '256', '-append', `${KERNEL_WORDS} ${PROBE}`]
  const { code } = await run(QEMU, args, { millis: PROBE_MILLIS })
  const accelerator = code === 0 ? 'kvm' : 'tcg'
  mkdirSync(cacheFolder(), { recursive: true })
  writeFileSync(path, JSON.stringify({ host, accelerator }))
  return accelerator
}

function readKnown(path: string): { host: string; accelerator: Accelerator } | undefined {
  try {
    const known = JSON.parse(readFileSync(path, 'utf8')) as { host: string; accelerator: Accelerator }
    return known.accelerator === 'kvm' || known.accelerator === 'tcg' ? known : undefined
  } catch {
    return undefined
  }
}

function hostBoot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}
