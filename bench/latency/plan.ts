/** Which points the latency study measures, and what the paper has beside them. */
import { type Hosts, publishedHardware, withFreePosting, withoutJitter } from './hardware.js'
import { type Point, type PointFigures, type StudyOptions, studyPoint } from './study.js'

/** APUS (SoCC 2017; draft of February 2017): microseconds with 24 connections; what lies between is not in the text. */
export const published = { connections: 24, micros: { 3: 8.2, 9: 8.8 } } as const

export const replicaCounts = [3, 5, 7, 9] as const
const seeds = [1, 2, 3] as const
const requestsPerSeed = 1_000

const variants = { published: publishedHardware, 'free posting': withFreePosting, 'no jitter': withoutJitter }
export type Variant = keyof typeof variants
export interface PlannedPoint extends Point {
  readonly variant: Variant
}

function points(
  hosts: Hosts,
  connections: readonly number[],
  replicas: readonly number[] = replicaCounts,
  variant: Variant = 'published',
): PlannedPoint[] {
  return connections.flatMap((count) =>
    replicas.map((nodes) => ({ ...hosts, connections: count, replicas: nodes, variant })),
  )
}

const asPublished: Hosts = { stores: true, threads: 'many', clients: 'network' }
const both = [1, 24]

export const plan: readonly PlannedPoint[] = [
  ...points(asPublished, both),
  ...points({ ...asPublished, stores: false }, both),
  ...points({ ...asPublished, threads: 'one' }, [24]),
  ...points({ ...asPublished, threads: 'one', stores: false }, [24]),
  ...points({ ...asPublished, clients: 'leader' }, [24]),
  ...points({ ...asPublished, clients: 'leader', stores: false }, [24]),
  ...points({ ...asPublished, clients: 'leader', threads: 'one' }, [24]),
  ...points({ ...asPublished, clients: 'leader', threads: 'one', stores: false }, [24]),
  ...points(asPublished, both, [3, 9], 'free posting'),
  ...points(asPublished, both, [3, 9], 'no jitter'),
]

/** Measures one point of the plan, with fewer requests if asked to. */
export function measurePoint(
  point: PlannedPoint,
  options: Partial<Pick<StudyOptions, 'requests' | 'seeds'>> = {},
): PointFigures {
  const { variant, ...rest } = point
  return studyPoint(rest, { requests: requestsPerSeed, seeds, ...options, hardware: variants[variant] })
}

export const extent = { requestsPerSeed, seeds } as const
