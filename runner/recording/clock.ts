/** Which clock the times of a recording are of. */
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'

/** Names the monotonic clock of this machine, since it was booted. */
export function clockName(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return hostname()
  }
}
