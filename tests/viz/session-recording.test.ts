// Recordings opened by the page's session: as the command line opens them, or refused with the file and the mend.
import { beforeAll, beforeEach, afterEach, describe, expect, test } from 'vitest'
import { pageRecordings } from '../../cli/view/page-recordings.js'
import { systems } from '../../protocol/index.js'
import { finished, parseRecording, recordingsOfRun, scheduleSteps } from '../../runner/index.js'
import { decodeTrace } from '../../sim/trace/index.js'
import { localClient } from '../../viz/session/local-client.js'
import { type NamedBytes, type SessionClient, SessionError } from '../../viz/session/protocol.js'
import { type Recorded, altered, filesOf, recorded } from './recorded.js'

const known = systems.map((definition) => ({ definition, origin: 'built-in' as const }))
let run: Recorded
let files: readonly NamedBytes[]
beforeAll(async () => {
  run = await recorded('paxos')
  files = filesOf(run.out)
}, 600_000)

let session: SessionClient
beforeEach(() => {
  session = localClient(known, pageRecordings)
})
afterEach(() => {
  session.close()
})

test('the schedule is that of the command line, fingerprint by fingerprint', async () => {
  const { branch } = await session.call('open', { recordings: files, name: 'out' })
  expect(branch).toMatchObject({ title: 'out', length: run.trace.actions.length })
  const saved = decodeTrace((await session.call('save', { branch: branch.branch })).bytes)
  expect(saved.actions).toEqual(run.trace.actions)
  expect(saved.fingerprints).toEqual(run.trace.fingerprints)
  expect(saved.image).toEqual(run.trace.image)
  expect(saved.header.setup).toEqual(run.trace.header.setup)
  expect(saved.header.provenance).toEqual(run.trace.header.provenance)
  expect(run.trace.fingerprints.length).toBeGreaterThan(10)
})

test('files are taken in any order, and a cut one as far as it goes', async () => {
  const { branch } = await session.call('open', { recordings: files.toReversed(), name: 'out' })
  expect(branch.length).toBe(run.trace.actions.length)
  const cut = files.map((file) => altered(file, {}, 'cut'))
  expect(cut.map(({ name, bytes }) => parseRecording(bytes, name).ending)).toEqual(['cut', 'cut', 'cut'])
  const again = await session.call('open', { recordings: cut, name: 'out' })
  expect(again.branch.length).toBe(run.trace.actions.length)
})

test('work of every kind tells how far it has come', () => {
  const recordings = recordingsOfRun(files.map(({ name, bytes }) => parseRecording(bytes, name)))
  const definition = systems.find(({ name }) => name === 'paxos')!
  const told = new Map<string, { done: number; total: number }>()
  const { inputs } = finished(scheduleSteps('out', recordings, definition, {}), ({ what, done, total }) => {
    expect(done).toBeGreaterThanOrEqual(told.get(what)?.done ?? 0)
    expect(done).toBeLessThanOrEqual(total)
    told.set(what, { done, total })
  })
  const { done, total } = told.get('looking for a schedule that gives every input')!
  expect([done, total]).toEqual([inputs, inputs])
})

test('opening that is stopped leaves nothing behind', async () => {
  const stop = new AbortController()
  const stopped = session.call('open', { recordings: files, name: 'stopped' }, { signal: stop.signal })
  stop.abort()
  await expect(stopped).rejects.toMatchObject({ code: 'cancelled' })
  await session.call('open', { recordings: files, name: 'opened' })
  const branches = await session.call('branches', {})
  expect(branches.map(({ title }) => title)).toEqual(['opened'])
})

describe('what cannot be opened is told with the file and the mend, and nothing is left behind', () => {
  const [first, second, third] = [0, 1, 2]
  const flipped = ({ name, bytes }: NamedBytes, at: number): NamedBytes => ({
    name,
    bytes: bytes.map((byte, i) => (i === at ? byte ^ 255 : byte)),
  })
  const cases: readonly (readonly [
    what: string,
    given: () => readonly NamedBytes[],
    code: string,
    words: RegExp,
    mend: RegExp,
  ])[] = [
    [
      'a byte that is another',
      () => [files[first]!, flipped(files[second]!, files[second]!.bytes.length - 40), files[third]!],
      'trace',
      /^member-1-life-0\.aviaryrec: byte \d+: .*checksum/,
      /record it again/,
    ],
    [
      'a header that is another',
      () => [flipped(files[first]!, 30), files[second]!, files[third]!],
      'trace',
      /^member-0-life-0\.aviaryrec: byte \d+: the header is damaged/,
      /record it again/,
    ],
    [
      'a field of another version',
      () => files.map((file) => altered(file, { version: 2 as never })),
      'trace',
      /^member-0-life-0\.aviaryrec: header\.version: must be 1/,
      /version of Aviary/,
    ],
    [
      'no recording at all',
      () => [{ name: 'picture.aviaryrec', bytes: Uint8Array.of(137, 80, 78, 71) }],
      'trace',
      /^picture\.aviaryrec: byte 0: this is no recording/,
      /record it again/,
    ],
    [
      'a member that is missing',
      () => [files[first]!, files[third]!],
      'trace',
      /^out: has not all of the run: of 3 members member 1 is missing/,
      /folder that has all their files/,
    ],
    [
      'members of two runs',
      () => [files[first]!, altered(files[second]!, { cluster: 'another' }), files[third]!],
      'trace',
      /^member-1-life-0\.aviaryrec: is of another run than member-0-life-0\.aviaryrec/,
      /folder of their own/,
    ],
    [
      'one life twice',
      () => [...files, { name: 'copy.aviaryrec', bytes: files[first]!.bytes }],
      'trace',
      /^copy\.aviaryrec: is of the same life of member 0 as member-0-life-0\.aviaryrec/,
      /leave one of them out/i,
    ],
    [
      'a hole',
      () => [files[first]!, files[second]!, altered(files[third]!, {}, 'hole')],
      'trace',
      /^member-2-life-0\.aviaryrec: has a hole: the last 7 inputs/,
      /aviary explain/,
    ],
    [
      'a service',
      () => files.map((file) => altered(file, { isService: true })),
      'trace',
      /^member-0-life-0\.aviaryrec: is of a service/,
      /aviary replay FOLDER/,
    ],
    [
      'a flight recorder',
      () => files.map((file) => altered(file, { isFlight: true })),
      'trace',
      /^member-0-life-0\.aviaryrec: has not all of the run/,
      /--record/,
    ],
    [
      'a system of a module that is not here',
      () => files.map((file) => altered(file, { modulePath: './paxos.ts' })),
      'system',
      /"paxos" of \.\/paxos\.ts, which is not in this page/,
      /aviary view FOLDER/,
    ],
    [
      'a system that nobody has',
      () => files.map((file) => altered(file, { system: 'pax' })),
      'system',
      /"pax", which is not in this page/,
      /aviary view FOLDER/,
    ],
    [
      'memory of another layout',
      () => files.map((file) => altered(file, { layoutDigest: 'ff' })),
      'system',
      /laid out in another way/,
      /aviary replay FOLDER/,
    ],
    [
      'inputs of another member',
      () => [
        files[first]!,
        altered({ ...files[first]!, name: 'other.aviaryrec' }, { node: 1 }),
        files[third]!,
      ],
      'impossible',
      /^other\.aviaryrec: the code at hand does something else than was recorded/,
      /aviary replay FOLDER/,
    ],
  ]
  test.each(cases)('%s', async (_what, given, code, words, mend) => {
    const failure: unknown = await session.call('open', { recordings: given(), name: 'out' }).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(failure).toBeInstanceOf(SessionError)
    const error = failure as SessionError
    expect(error).toMatchObject({ code })
    expect(error.field === '' ? error.message : `${error.field}: ${error.message}`).toMatch(words)
    expect(error.mend).toMatch(mend)
    expect(await session.call('branches', {})).toEqual([])
  })

  test('a start again after a crash: no schedule is looked for', async () => {
    const given = [...files, altered({ ...files[first]!, name: 'again.aviaryrec' }, { incarnation: 1 })]
    await expect(session.call('open', { recordings: given, name: 'out' })).rejects.toMatchObject({
      code: 'impossible',
      message: expect.stringContaining('a node was started again, which is not looked for') as string,
    })
  })
})

test('a single recording that is not called like one is known by its first bytes', async () => {
  const { name, bytes } = files[0]!
  await expect(session.call('open', { bytes, name: `${name}.bak` })).rejects.toMatchObject({
    message: expect.stringContaining('member 1 and member 2 are missing') as string,
  })
})
