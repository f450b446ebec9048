/** What `aviary bench commit --fabric verbs` has measured, and how it is shown. The bench itself is in a checkout only. */
import { type Terminal, grouped, table } from './terminal.js'

/** Microseconds. */
interface Latency {
  readonly p50: number
  readonly p99: number
}

export interface VerbsLoad extends Latency {
  /** Operations under way at any time. */
  readonly window: number
  readonly commits: number
  readonly millis: number
}

export interface VerbsPlace {
  readonly place: 'one machine' | 'a machine for each' | 'counted'
  /** Of each machine. */
  readonly processors: number
  /** A WRITE of 64 bytes, from post to completion. */
  readonly rawWrite: Latency
  /** Half of a ping-pong of 64 bytes, by perftest. */
  readonly writeLat: { readonly least: number; readonly typical: number; readonly p99: number } | undefined
  readonly commits: readonly VerbsLoad[]
  /** The same replicas on shared memory, where they are on one machine: what is not the device's. */
  readonly withoutDevice: readonly VerbsLoad[]
  /** SETs of a Redis client in the leader's machine, through the gateway. */
  readonly sets: readonly VerbsLoad[]
  /** Median of a commit with one under way, by that of the WRITE. */
  readonly ratio: number
}

export interface VerbsGoal {
  readonly goal: string
  readonly place: VerbsPlace['place']
  readonly wanted: number
  readonly reached: number
  readonly isMet: boolean
}

export interface VerbsFigures {
  readonly nodes: number
  readonly sizeBytes: number
  readonly accelerator: string
  readonly hostProcessors: number
  /** Of the host over one minute, before and after. */
  readonly loadAverage: readonly [number, number]
  readonly places: readonly VerbsPlace[]
  readonly leftOut: readonly { readonly part: string; readonly reason: string }[]
  readonly goals: readonly VerbsGoal[]
}

export interface VerbsBench {
  benchVerbs(options: {
    readonly nodes: number | undefined
    readonly sizeBytes: number | undefined
    readonly seconds: number | undefined
    readonly testbed: string | undefined
    readonly isSmall: boolean
    readonly onProgress: (what: string) => void
  }): Promise<VerbsFigures>
}

const placeText = {
  'one machine': 'All in one machine',
  'a machine for each': 'A machine for each',
  counted: 'All in one machine whose clock counts instructions',
} as const
const micros = (value: number): string => grouped(Math.round(value))

export function sayVerbs({ say, colours }: Terminal, figures: VerbsFigures): void {
  const { nodes, sizeBytes, accelerator, hostProcessors, loadAverage, places, leftOut, goals } = figures
  say(
    `\nAPUS over RDMA verbs in virtual machines (${accelerator === 'kvm' ? 'KVM' : 'emulated'}): ${String(nodes)} replicas, ${String(sizeBytes)} bytes, in microseconds. This computer has ${String(hostProcessors)} processors, and a load of ${loadAverage[0].toFixed(1)} before and ${loadAverage[1].toFixed(1)} after.`,
  )
  for (const { place, processors, rawWrite, writeLat, commits, withoutDevice, sets, ratio } of places) {
    const loads = (name: string, list: readonly VerbsLoad[]): string[][] =>
      list.map(({ window, p50, p99 }) => [name, String(window), micros(p50), micros(p99)])
    say(`\n${colours.bold(placeText[place])} (processors of a machine: ${String(processors)})`)
    say(
      table(
        [
          ['', 'under way', 'p50', 'p99'].map((name) => colours.dim(name)),
          ['WRITE of 64 bytes, post to completion', '1', micros(rawWrite.p50), micros(rawWrite.p99)],
          ...(writeLat === undefined
            ? []
            : [['ib_write_lat, half a round trip', '1', micros(writeLat.typical), micros(writeLat.p99)]]),
          ...loads('commit', commits),
          ...loads('commit over shared memory', withoutDevice),
          ...loads('SET through the gateway', sets),
        ],
        { align: ['left', 'right', 'right', 'right'] },
      ),
    )
    say(`A commit takes ${ratio.toFixed(1)} times as long as a WRITE (medians).`)
  }
  for (const { part, reason } of leftOut) say(colours.yellow(`left out: ${part}: ${reason}`))
  for (const { goal, place, wanted, reached, isMet } of goals)
    say(
      `${isMet ? colours.green('met') : colours.yellow('missed')}  ${goal} (${placeText[place]}): ${reached.toFixed(1)}, wanted ${wanted.toFixed(1)} at most`,
    )
}
