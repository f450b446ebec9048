import { describe, expect, test } from 'vitest'
import { leastRoundTripNanos, pathOf, withFreePosting } from '../../bench/latency/hardware.js'
import { type Point, studyPoint } from '../../bench/latency/study.js'

const options = { requests: 200, seeds: [1, 2] }
const point = (replicas: number, connections: number, rest: Partial<Point> = {}): Point => ({
  replicas,
  connections,
  stores: false,
  threads: 'many',
  clients: 'network',
  ...rest,
})

describe('the latency study', { timeout: 60_000 }, () => {
  test('gives the same figures for the same seeds, and others for others', () => {
    const first = studyPoint(point(3, 24), options)
    expect(studyPoint(point(3, 24), options)).toEqual(first)
    expect(studyPoint(point(3, 24), { ...options, seeds: [3, 4] })).not.toEqual(first)
  })

  test('measures each request once, and no client asks twice', () => {
    const { requests, rate, consensus, answer } = studyPoint(point(5, 24), options)
    expect(requests).toBe(400)
    // 24 clients that are away for 84 µs and wait for consensus.
    expect(rate).toBeGreaterThan(24 / 100e-6)
    expect(answer.most).toBeLessThan(1e6)
    expect(answer.median).toBeGreaterThan(consensus.median + 74_000)
  })

  test.each([3, 5, 7, 9])('with %i replicas a request alone takes what its path takes', (replicas) => {
    for (const stores of [false, true]) {
      const { consensus } = studyPoint(point(replicas, 1, { stores }), options)
      const path = pathOf(replicas, stores).reduce((sum, { nanos }) => sum + nanos, 0)
      expect(consensus.median).toBeGreaterThanOrEqual(leastRoundTripNanos)
      expect(Math.abs(consensus.median / path - 1)).toBeLessThan(0.02)
    }
  })

  test('grows with the replicas by what posting costs', () => {
    const medians = [3, 5, 7, 9].map((replicas) => studyPoint(point(replicas, 1), options).consensus.median)
    medians.slice(1).forEach((median, i) => {
      expect(median - medians[i]!).toBeGreaterThan(150)
      expect(median - medians[i]!).toBeLessThan(250)
    })
    const [few, many] = [3, 9].map(
      (replicas) =>
        studyPoint(point(replicas, 1), { ...options, hardware: withFreePosting }).consensus.median,
    )
    expect(Math.abs(many! - few!)).toBeLessThan(50)
  })

  test('one thread a node is slower than many', () => {
    const [one, many] = (['one', 'many'] as const).map(
      (threads) => studyPoint(point(9, 24, { stores: true, threads }), options).consensus.mean,
    )
    expect(one).toBeGreaterThan(many! * 1.1)
  })
})
