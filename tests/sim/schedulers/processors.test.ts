import { describe, expect, test } from 'vitest'
import { Processors, runsHandler } from '../../../sim/schedulers/processors.js'

const costs = { publishNanos: 1000, postNanos: 200 }

describe('processor time', () => {
  test('one thread: all that a node does is one after another', () => {
    const world = { nowNanos: 50, nodeCount: 2 }
    const processors = new Processors(world, { ...costs, threads: 'one' })
    processors.begin()
    expect(processors.posted(0)).toBe(250)
    expect(processors.posted(0)).toBe(450)
    processors.published(0)
    expect(processors.posted(0)).toBe(1650)
    expect(processors.freeAt(0)).toBe(1650)
    // The other node has a processor of its own.
    expect(processors.posted(1)).toBe(250)
    world.nowNanos = 2000
    expect(processors.posted(0)).toBe(2200)
    processors.begin()
    expect(processors.freeAt(0)).toBe(0)
  })

  test('many threads: each publish begins anew, and so does each handler', () => {
    const world = { nowNanos: 50, nodeCount: 1 }
    const processors = new Processors(world, { ...costs, threads: 'many' })
    processors.begin()
    processors.published(0)
    expect(processors.posted(0)).toBe(1250)
    expect(processors.posted(0)).toBe(1450)
    processors.published(0)
    expect(processors.posted(0)).toBe(1250)
    world.nowNanos = 60
    expect(processors.posted(0)).toBe(260)
    expect(processors.posted(0)).toBe(460)
  })

  test('what runs on hardware or at a client takes none', () => {
    expect((['poll', 'request', 'complete'] as const).every(runsHandler)).toBe(true)
    expect((['arrive', 'place', 'reply', 'invoke', 'crash'] as const).some(runsHandler)).toBe(false)
  })
})
