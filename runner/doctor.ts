/** What this machine can do over RDMA, and what is to be mended before a replica can. Nothing is changed. */
import { readFileSync } from 'node:fs'
import {
  NativeError,
  type PortChoice,
  type PortReport,
  type RoundTrip,
  loadAddon,
  probePort,
  verbsDevices,
} from '../native/index.js'

export interface Finding {
  readonly what: string
  /** `note`: works, and could be better. */
  readonly state: 'good' | 'note' | 'bad'
  readonly found: string
  readonly mend?: string
}

export interface Diagnosis {
  readonly findings: readonly Finding[]
  /** What the port is like; undefined when it could not be opened. */
  readonly port: PortReport | undefined
}

const CAP_IPC_LOCK = 1n << 14n
/** Below this even a small replica cannot register its memory. */
const LEAST_LOCKED_KIB = 64 * 1024

/**
 * Looks at one port, and measures round trips to itself.
 *
 * @param roundTrips of each kind
 */
export function diagnose(choice: PortChoice, roundTrips: number): Diagnosis {
  const findings: Finding[] = []
  try {
    loadAddon()
  } catch (error) {
    return { findings: [failed('native layer', error)], port: undefined }
  }
  findings.push({ what: 'native layer', state: 'good', found: 'built' }, memoryLock())
  let names: readonly string[]
  try {
    names = verbsDevices()
  } catch (error) {
    return { findings: [...findings, failed('devices', error)], port: undefined }
  }
  if (names.length > 0) findings.push({ what: 'devices', state: 'good', found: names.join(', ') })
  try {
    const port = probePort(choice, roundTrips)
    return { findings: [...findings, ...findingsOf(port)], port }
  } catch (error) {
    return { findings: [...findings, failed('port', error)], port: undefined }
  }
}

function failed(what: string, error: unknown): Finding {
  if (!(error instanceof NativeError)) throw error
  // Messages of the native layer say what is wrong, and behind the first sentence or colon what mends it.
  return { what, state: 'bad', found: error.message }
}

/** The kernel locks what is registered. */
function memoryLock(): Finding {
  const what = 'memory lock limit'
  const line = readFileSync('/proc/self/limits', 'utf8').match(/^Max locked memory\s+(\S+)/m)
  const limit = line?.[1] ?? 'unlimited'
  if (limit === 'unlimited') return { what, state: 'good', found: 'unlimited' }
  const kib = Math.floor(Number(limit) / 1024)
  // The limit does not bind who may lock memory at will.
  const capabilities = readFileSync('/proc/self/status', 'utf8').match(/^CapEff:\s+([0-9a-f]+)/m)?.[1] ?? '0'
  if ((BigInt(`0x${capabilities}`) & CAP_IPC_LOCK) !== 0n)
    return { what, state: 'good', found: `${String(kib)} KiB, which does not bind this user` }
  const isEnough = kib >= LEAST_LOCKED_KIB
  return {
    what,
    state: isEnough ? 'note' : 'bad',
    found: `${String(kib)} KiB`,
    mend: 'registered memory is locked: raise it with `ulimit -l unlimited`, LimitMEMLOCK=infinity of a systemd service, or in /etc/security/limits.conf.',
  }
}

function findingsOf(port: PortReport): Finding[] {
  const { device, firmware, link, state, gid, gidKind, gidIndex, lid, mtuBytes, mtuBytesMax } = port
  const isRoce = link === 'Ethernet'
  const found: Finding[] = [
    {
      what: 'port',
      state: 'good',
      found: `${device} port ${String(port.port)}, ${state}, firmware ${firmware}`,
    },
    {
      what: 'link',
      state: 'good',
      found: isRoce ? `${gidKind}, ${gid} (GID ${String(gidIndex)})` : `${link}, LID ${String(lid)}`,
    },
    mtuBytes < mtuBytesMax
      ? {
          what: 'MTU',
          state: 'note',
          found: `${String(mtuBytes)} B of ${String(mtuBytesMax)}`,
          mend: isRoce
            ? 'an Ethernet MTU of 4200 or more on every interface and switch of the way makes large WRITEs cheaper.'
            : 'the subnet manager sets it.',
        }
      : { what: 'MTU', state: 'good', found: `${String(mtuBytes)} B` },
    {
      what: 'atomics',
      state: port.hasAtomics ? 'good' : 'note',
      found: port.hasAtomics ? `yes, ${String(port.readsAtOnce)} READs or atomics at once` : 'none',
      ...(port.hasAtomics ? {} : { mend: 'systems that use compare-and-swap or fetch-and-add cannot run.' }),
    },
    {
      what: 'order within a WRITE',
      state: port.placesInOrder ? 'good' : 'note',
      found: port.placesInOrder ? 'ascending: a trailing canary may be trusted' : 'not promised',
      ...(port.placesInOrder
        ? {}
        : { mend: 'nothing is to be mended where entries carry checksums, as those of apus do.' }),
    },
  ]
  if (port.roundTrips > 0)
    found.push({
      what: 'round trips to itself',
      state: 'good',
      found: [
        `WRITE of 64 B ${microsText(port.writeMicros)}`,
        `READ ${microsText(port.readMicros)}`,
        ...(port.hasAtomics ? [`fetch-and-add ${microsText(port.atomicMicros)}`] : []),
      ].join(', '),
    })
  return found
}

const microsText = ([p50, p99]: RoundTrip): string => `${p50.toFixed(1)} µs (p99 ${p99.toFixed(1)})`
