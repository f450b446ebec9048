import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { apus } from '../../../protocol/apus/index.js'
import { faultKinds, ruleNames } from '../../../protocol/index.js'
import { ActionLog } from '../../../sim/run/action-log.js'
import { type Setup, defaultSetup } from '../../../sim/run/setup.js'
import { crc32, fromUtf8, utf8 } from '../../../sim/trace/bytes.js'
import { blockActions, decodeTrace, encodeTrace, openTrace } from '../../../sim/trace/codec.js'
import { TraceError, type TraceProblem } from '../../../sim/trace/errors.js'
import { noPoints, pointCount } from '../../../sim/trace/fingerprints.js'
import { fromText, toText } from '../../../sim/trace/text.js'
import { type Trace, type TraceHeader, traceFormatVersion } from '../../../sim/trace/trace.js'
import { pingSetup, ping, plain, record, someFaults } from './support.js'

// ---- arbitrary traces

const anyText = fc.string({ unit: 'binary', maxLength: 12 })
const name = fc.stringMatching(/^[a-z]{1,5} (n\d→n\d|c\d)(#\d)?$/)
const integer = fc.maxSafeInteger().map((n) => n + 0)

const setup: fc.Arbitrary<Setup> = fc.record({
  system: anyText,
  bug: fc.option(anyText, { nil: undefined }),
  nodes: fc.integer({ min: 1, max: 32 }),
  parameters: fc.dictionary(anyText, integer, { maxKeys: 3 }),
  workloadSeed: integer,
  knobs: fc.record({
    poll: fc.constantFrom('atomic' as const, 'loads' as const),
    placement: fc.constantFrom('in-order' as const, 'shuffled-in-packet' as const, 'shuffled' as const),
    fetch: fc.constantFrom('at-departure' as const, 'early' as const, 'by-word' as const),
    visibility: fc.constantFrom('lagging' as const, 'prompt' as const),
    psn: fc.constantFrom('derived' as const, 'constant' as const),
    broken: fc.subarray([...ruleNames]),
  }),
  budget: fc.dictionary(fc.constantFrom(...faultKinds), fc.oneof(fc.nat(), fc.constant(Infinity))),
  spared: fc.dictionary(fc.constantFrom(...faultKinds), fc.array(fc.nat(31), { maxLength: 3 })),
  without: fc.array(anyText, { maxLength: 2 }),
})

const header: fc.Arbitrary<TraceHeader> = fc
  .record({
    formatVersion: fc.constant(traceFormatVersion),
    createdBy: anyText,
    system: anyText,
    setup,
    provenance: fc.dictionary(anyText, fc.oneof(anyText, integer), { maxKeys: 3 }),
    codeFingerprint: anyText,
    fingerprintEvery: fc.integer({ min: 1, max: 5 }),
    sites: fc.uniqueArray(name, { minLength: 1, maxLength: 6 }),
    parts: fc.array(
      fc.record({ name: anyText, layout: fc.nat(0xffffffff), sizeBytes: fc.nat(5).map((n) => n * 8) }),
      { maxLength: 4 },
    ),
    modulePath: fc.option(anyText, { nil: undefined }),
  })
  .map(({ modulePath, ...rest }) => (modulePath === undefined ? rest : { ...rest, modulePath }))

const traces: fc.Arbitrary<Trace> = header.chain((head) =>
  fc
    .record({
      actions: fc.array(fc.tuple(fc.nat(head.sites.length - 1), fc.oneof(fc.nat(9), fc.nat(2 ** 48 - 1))), {
        maxLength: 12,
      }),
      bare: fc.boolean(),
      seeds: fc.array(fc.nat(0xffffffff), { minLength: 16, maxLength: 16 }),
      violated: fc.boolean(),
      reason: anyText,
      imaged: fc.boolean(),
      bytes: fc.uint8Array({ minLength: 160, maxLength: 160 }),
      zeros: fc.boolean(),
    })
    .map(({ actions, bare, seeds, violated, reason, imaged, bytes, zeros }) => {
      const log = new ActionLog()
      for (const [site, subject] of actions) log.add(site, subject)
      const count = pointCount(log.length, head.fingerprintEvery)
      const starts = [0]
      const parts: number[] = []
      for (let p = 0; p < count; p++) {
        head.parts.forEach((_, i) => ((seeds[p % 16]! >>> i) & 1) === 1 && parts.push(i))
        starts.push(parts.length)
      }
      const points = {
        fingerprints: Uint32Array.from({ length: count }, (_, p) => seeds[p % 16]!),
        components: {
          starts: Uint32Array.from(starts),
          parts: Uint16Array.from(parts),
          folds: Uint16Array.from(parts, (_, i) => seeds[i % 16]!),
        },
      }
      const size = head.parts.reduce((sum, part) => sum + part.sizeBytes, 0)
      return {
        header: head,
        actions: log,
        ...(bare ? noPoints : points),
        ...(violated ? { violation: { kind: 'invariant' as const, name: 'x', reason, at: log.length } } : {}),
        ...(imaged ? { image: zeros ? new Uint8Array(size) : bytes.slice(0, size) } : {}),
      }
    }),
)

/** What goes wrong when bytes are decoded; undefined when nothing does. Any other exception fails the test. */
function problemOf(bytes: Uint8Array): TraceProblem | undefined {
  try {
    decodeTrace(bytes)
    return undefined
  } catch (error) {
    if (!(error instanceof TraceError)) throw error
    expect(error.field).not.toBe('')
    expect(error.mend).toMatch(/\.$/)
    return error.problem
  }
}

/** Gives changed bytes a checksum that fits, as a forger would. */
function sealed(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice()
  const view = new DataView(copy.buffer)
  view.setUint32(12, copy.length, true)
  view.setUint32(copy.length - 4, crc32(copy, copy.length - 4), true)
  return copy
}

describe('a trace as bytes', () => {
  it('is the same trace after decoding', () => {
    fc.assert(
      fc.property(traces, (trace) => {
        expect(plain(decodeTrace(encodeTrace(trace)))).toEqual(plain(trace))
      }),
    )
  })

  it('is the same trace after decoding when it is a real one of several blocks', () => {
    const trace = record(2 * blockActions + 100)
    const bytes = encodeTrace(trace)
    expect(plain(decodeTrace(bytes))).toEqual(plain(trace))
    const file = openTrace(bytes)
    expect([file.actions, file.blocks]).toEqual([2 * blockActions + 100, 3])
    const second = new ActionLog()
    file.readBlock(1, second)
    expect(second.length).toBe(blockActions)
    for (let i = 0; i < blockActions; i += 99)
      expect([second.site(i), second.subject(i)]).toEqual([
        trace.actions.site(blockActions + i),
        trace.actions.subject(blockActions + i),
      ])
  })

  it('takes at most 3 bytes an action and 4 with its fingerprints', () => {
    const trace = record(20_000, { about: { image: false } })
    const empty = record(0, { about: { image: false } })
    const bytes = encodeTrace(trace).length - encodeTrace(empty).length
    const bare = encodeTrace({ ...trace, ...noPoints }).length - encodeTrace({ ...empty, ...noPoints }).length
    expect(bare / 20_000).toBeLessThan(3)
    expect(bytes / 20_000).toBeLessThan(4)
  })

  for (const nodes of [3, 5])
    it(`takes at most 8 bytes an action of ${String(nodes)} replicas of APUS on disk, fingerprints included`, () => {
      const plainSetup = defaultSetup(apus)
      const parameters = { ...plainSetup.parameters, durability: 1 }
      const setup = { ...plainSetup, nodes, parameters, budget: someFaults }
      const [long, empty] = [20_000, 0].map((steps) =>
        record(steps, { definition: apus, setup, about: { image: false } }),
      ) as [Trace, Trace]
      const bytes = encodeTrace(long).length - encodeTrace(empty).length
      expect(bytes / long.actions.length).toBeLessThan(8)
    })

  it('tells every cut and every flipped bit', () => {
    const bytes = encodeTrace(record(50, { about: { fingerprintEvery: 16 } }))
    for (let length = 0; length < bytes.length; length++)
      expect(problemOf(bytes.subarray(0, length))).toBe('truncated')
    for (let at = 0; at < bytes.length; at++)
      for (const flip of [0x01, 0x80, 0xff]) {
        const changed = bytes.slice()
        changed[at]! ^= flip
        expect(problemOf(changed)).toBeDefined()
      }
  })

  it('tells what kind of trouble it is', () => {
    const bytes = encodeTrace(record(5))
    const set = (at: number, value: number): Uint8Array => {
      const changed = bytes.slice()
      changed[at] = value
      return changed
    }
    expect(problemOf(new Uint8Array(0))).toBe('truncated')
    expect(problemOf(utf8('{"traceEvents":[]}'))).toBe('foreign')
    expect(problemOf(set(8, traceFormatVersion + 1))).toBe('newer')
    expect(problemOf(set(8, traceFormatVersion - 1))).toBe('older')
    expect(problemOf(set(8, 0))).toBe('corrupt')
    expect(problemOf(Uint8Array.of(...bytes, 0))).toBe('corrupt')
    expect(problemOf(set(bytes.length - 1, bytes.at(-1)! ^ 1))).toBe('corrupt')
  })

  it('throws nothing but TraceError for forged bytes with a checksum that fits', () => {
    const bytes = encodeTrace(record(40, { about: { fingerprintEvery: 8 } }))
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 16, max: bytes.length - 5 }), fc.nat(255)), {
          minLength: 1,
          maxLength: 3,
        }),
        (changes) => {
          const changed = bytes.slice()
          for (const [at, value] of changes) changed[at] = value
          problemOf(sealed(changed))
        },
      ),
      { numRuns: 3000 },
    )
  })

  it('does not believe absurd counts', () => {
    const trace = { ...record(3, { about: { image: false } }), ...noPoints }
    const bytes = encodeTrace(trace)
    const view = new DataView(bytes.buffer)
    const actions = 16 + 4 + view.getUint32(16, true) + 4
    const length = view.getUint32(actions - 4, true)
    expect(bytes[actions]).toBe(3)
    const many = utf8('x'.repeat(length))
    many.set([0xff, 0xff, 0xff, 0xff, 0x0f])
    const forged = bytes.slice()
    forged.set(many, actions)
    expect(problemOf(sealed(forged))).toBe('absurd')
    const huge = {
      ...trace.header,
      parts: [
        { name: 'n0 private', layout: 1, sizeBytes: 1 << 28 },
        { name: 'x', layout: 1, sizeBytes: 8 },
      ],
    }
    expect(problemOf(encodeTrace({ ...trace, header: huge, image: new Uint8Array(8) }))).toBe('absurd')
  })

  it('says which field of a header is wrong', () => {
    const trace = record(3)
    const wrong = (change: object): string => {
      try {
        decodeTrace(encodeTrace({ ...trace, header: { ...trace.header, ...change } }))
      } catch (error) {
        if (error instanceof TraceError) return error.message
      }
      return 'nothing'
    }
    const setup = (change: object): object => ({ setup: { ...pingSetup(), ...change } })
    expect(wrong({ fingerprintEvery: 0 })).toMatch(
      /^header\.fingerprintEvery: must be a whole number from 1 to /,
    )
    expect(wrong({ extra: 1 })).toMatch(/^header\.extra: a field that a trace does not have/)
    const { sites } = trace.header
    expect(wrong({ sites: [...sites, sites[0]] })).toMatch(
      /^header\.sites: two sites are called "timer n0 tick"/,
    )
    expect(wrong(setup({ nodes: 1.5 }))).toMatch(
      /^header\.setup\.nodes: must be a whole number from 1 to \d+, not 1\.5\./,
    )
    expect(wrong(setup({ budget: { flood: 1 } }))).toMatch(/^header\.setup\.budget\.flood: /)
    expect(wrong(setup({ knobs: { poll: 'never', placement: 'shuffled', fetch: 'early' } }))).toMatch(
      /^header\.setup\.knobs\.poll: must be one of atomic, loads, not "never"\./,
    )
  })

  it('writes and reads UTF-8 as everybody does', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(utf8(text)).toEqual(new TextEncoder().encode(text))
        expect(fromUtf8(utf8(text), 'text')).toBe(text)
      }),
    )
    const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8 }), (bytes) => {
        let expected: string | undefined
        try {
          expected = strict.decode(bytes)
        } catch {
          expect(() => fromUtf8(bytes, 'text')).toThrow(TraceError)
          return
        }
        expect(fromUtf8(bytes, 'text')).toBe(expected)
      }),
      { numRuns: 2000 },
    )
    expect(crc32(utf8('123456789'))).toBe(0xcbf43926)
  })
})

describe('a trace as text', () => {
  it('is the same trace after reading, but for the image', () => {
    fc.assert(
      fc.property(traces, ({ image: _image, ...trace }) => {
        expect(plain(fromText(toText(trace)))).toEqual(plain(trace))
      }),
    )
  })

  it('has a line of words for each action', () => {
    const { image: _image, ...trace } = record(200)
    const text = toText(trace, ping)
    expect(plain(fromText(text))).toEqual(plain(trace))
    expect(text).toMatch(
      /^aviary trace 2\nheader: \{.*\}\nsites: \[.*\]\nparts: \[.*\]\n= [0-9a-f]{8}( \d+:[0-9a-f]{4})+\n0 /,
    )
    expect(text).toMatch(/^\d+ deliver n0→n1 \d+ {3}# ping \d+$/m)
  })

  it('can be edited: comments, blank lines, and actions removed with the fingerprints', () => {
    const trace = record(30)
    const lines = toText(trace, ping).split('\n')
    const edited = lines.filter((line) => !line.startsWith('=') && !line.startsWith('7 '))
    edited.splice(6, 0, '', '# the story begins', '   ')
    expect(fromText(edited.join('\r\n')).actions.length).toBe(29)
    const half = lines.filter((line) => !line.startsWith('7 '))
    expect(() => fromText(half.join('\n'))).toThrow(/remove|Remove/)
  })

  it('says which line is wrong', () => {
    const text = toText(record(3))
    expect(() => fromText('hello')).toThrow(/^line 1: is not the beginning/)
    expect(() => fromText('aviary trace 9')).toThrow(/^line 1: the trace has format 9/)
    expect(() => fromText('aviary trace 1\n')).toThrow(/^header: is missing/)
    expect(() => fromText(`${text}\n9 dance n0 1\n`)).toThrow(/^line \d+: there is no site "dance n0"/)
    expect(() => fromText(`${text}\nwhat is this\n`)).toThrow(/^line \d+: "what is this" is no action/)
    expect(() => fromText(`${text}\n= 123\n`)).toThrow(TraceError)
  })

  it('throws nothing but TraceError, whatever is done to it', () => {
    const text = toText(record(20))
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(30), fc.string({ maxLength: 8 }), (at, cut, put) => {
        try {
          fromText(text.slice(0, at) + put + text.slice(at + cut))
        } catch (error) {
          if (!(error instanceof TraceError)) throw error
        }
      }),
      { numRuns: 1000 },
    )
  })
})
