// Each way of calling the command wrongly, or of giving it something broken: exit code 2, two lines that name what is
// wrong and what mends it, and no stack trace.
import { join } from 'node:path'
import { readFileSync, writeFileSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import { type Ended, aviary, folderWith, relay, traceOfRelay } from './support.js'

const broken: Readonly<Record<string, string>> = {
  'relay.ts': relay,
  'syntax.ts': 'export const system = {',
  'nothing.ts': 'export const other = 1',
  'no-nodes.ts': `export const system = { name: 'x', summary: 'x', parameters: {}, bugs: {}, build() {} }`,
  'bad-range.ts': relay.replace('minimum: 2', 'minimum: 9'),
  'bad-story.ts': relay.replace("story: 'Receiving throws.'", 'story: 7'),
  'throws-on-load.ts': `${relay}\nthrow new Error('not today')`,
  'throws-on-build.ts': relay.replace(
    'const core = relay(bug)',
    "const core = relay(bug); throw new Error('not built')",
  ),
  'no-spec.ts': relay.replace('goal: {', 'aim: {'),
  'wants-node.ts': `import { readFileSync } from 'node:fs'\n${relay}\nvoid readFileSync`,
  'wants-missing.ts': `import { x } from './missing.js'\n${relay}\nvoid x`,
  'wants-inside.ts': `import { x } from 'aviary/inside'\n${relay}\nvoid x`,
  'two.ts': `${relay}\nexport const systems = [system, { ...system, name: 'other' }]`.replace(
    'export const system ',
    'const system ',
  ),
  'odd.json': '{ "faults": { "crsh": 1 } }',
  'foreign.aviary': 'hello',
  'empty.aviary': '',
  'broken.txt': 'aviary trace 1\nheader: {"system": 7}\n',
}

let cwd = ''
beforeAll(async () => {
  cwd = folderWith(broken)
  const trace = readFileSync(join(cwd, await traceOfRelay(cwd)))
  writeFileSync(join(cwd, 'good.aviary'), trace)
  writeFileSync(join(cwd, 'truncated.aviary'), trace.subarray(0, trace.length - 40))
  writeFileSync(join(cwd, 'longer.aviary'), Buffer.concat([trace, Buffer.from('x')]))
  const changed = Buffer.from(trace)
  changed[trace.length >> 1]! ^= 1
  writeFileSync(join(cwd, 'changed.aviary'), changed)
  const newer = Buffer.from(trace)
  newer.writeUInt16LE(99, 8)
  writeFileSync(join(cwd, 'newer.aviary'), newer)
})

function expectUsageError({ code, stdout, stderr }: Ended, what: string, mend: string): void {
  expect(stderr).toContain(what)
  expect(stderr).toContain(mend)
  expect(stderr).toMatch(/^error: .*\nmend: .*\n$/)
  expect(stderr).not.toMatch(/^\s+at /m)
  expect(stdout).toBe('')
  expect(code).toBe(2)
}

// [command line, what the error names, what the mend says]
const calls: readonly (readonly [string, string, string])[] = [
  ['tuor', 'tuor', 'did you mean tour'],
  ['explore', 'system', '--help'],
  ['explore paxos raft', 'too many arguments', '--help'],
  ['explore paxos --sedes 3', '--sedes', 'did you mean --seeds'],
  ['explore paxs', 'SYSTEM', 'did you mean paxos'],
  ['explore paxos --bug minority-qorum', '--bug', 'did you mean minority-quorum'],
  ['explore paxos --nodes 2', '--nodes 2', '3 to 7 replicas'],
  ['explore paxos --nodes many', '--nodes', 'whole number'],
  ['explore paxos --seconds 0', '--seconds', 'above 0'],
  ['explore paxos --workers 0', '--workers', 'whole number'],
  ['explore paxos --scheduler rnd', '--scheduler', 'timed'],
  ['explore paxos --poll never', '--poll', 'atomic'],
  ['explore paxos --faults crsh=1', '--faults', 'did you mean crash'],
  ['explore paxos --faults crash=x', '--faults crash=x', 'unlimited'],
  ['explore paxos --faults beyond:wiped', '--faults', 'did you mean beyond:wiped-acceptor'],
  ['explore paxos --without agreemnt', '--without', 'did you mean agreement'],
  ['explore rdma-register --set wrods=3', '--set', 'did you mean words'],
  ['explore rdma-register --set words=99', '--set words 99', '2 to 8'],
  ['explore rdma-register --set words', '--set words', 'name=value'],
  ['explore rdma-register --set integrity=1 --placement shuffled', '--placement', 'leave'],
  ['explore ./absent.ts', './absent.ts', 'check the path'],
  ['explore ./syntax.ts', 'syntax.ts:1:24', 'mend the source'],
  ['explore ./nothing.ts', 'its exports are other', 'export const system'],
  ['explore ./no-nodes.ts', 'system.nodes is missing', 'defineSystem'],
  ['explore ./bad-range.ts', 'system.nodes', 'defineSystem'],
  ['explore ./bad-story.ts', 'system.bugs.throws.story', 'defineSystem'],
  ['explore ./throws-on-load.ts', 'not today (throws-on-load.ts:', 'AVIARY_DEBUG'],
  ['explore ./throws-on-build.ts', 'not built (throws-on-build.ts:', 'mend the system'],
  ['explore ./no-spec.ts', 'system.build(…).spec.goal is missing', 'SystemModel'],
  ['explore ./wants-node.ts', 'node:fs', 'neither Node nor the browser'],
  ['explore ./wants-missing.ts', './missing.js', 'check the path'],
  ['explore ./wants-inside.ts', 'aviary/inside', 'mend the source'],
  ['explore ./two.ts', 'exports 2 systems', './two.ts#other'],
  ['check paxs', 'SYSTEM', 'did you mean paxos'],
  ['check 2pc --nodes 20', '--nodes 20', '2 to 9'],
  ['check 2pc --ops 1', '--ops', 'aviary list'],
  ['check 2pc --faults promised', '--faults promised', 'crash=1'],
  ['check 2pc --bounds absent.json', 'absent.json', 'check the path'],
  ['check 2pc --bounds syntax.ts', 'is not JSON', 'for instance'],
  ['check 2pc --bounds odd.json', 'faults', 'it may say nodes, ops'],
  ['check paxos --symmetry', 'the clients of the system', 'leave it out'],
  ['check 2pc --depth x', '--depth', 'whole number'],
  ['replay absent.aviary', 'absent.aviary', 'check the path'],
  ['replay .', 'holds no recording', '--record'],
  ['shrink .', 'is a folder', 'name a file'],
  ['replay foreign.aviary', 'not an Aviary trace', 'begins with'],
  ['replay empty.aviary', 'empty.aviary', 'again'],
  ['replay truncated.aviary', 'truncated.aviary', 'again'],
  ['replay longer.aviary', 'longer.aviary', 'again'],
  ['replay changed.aviary', 'checksum', 'again'],
  ['replay newer.aviary', 'format 99', 'newer Aviary'],
  ['replay broken.txt', 'broken.txt', ''],
  ['replay good.aviary --system paxos', 'about the system', '--system'],
  ['replay good.aviary --bug cunts', '--bug', 'did you mean counts'],
  ['replay good.aviary --right --bug keeps', '--right and --bug', 'one of them'],
  ['explain foreign.aviary', 'not an Aviary trace', 'begins with'],
  ['shrink foreign.aviary', 'not an Aviary trace', 'begins with'],
  ['export good.aviary', '--format', '--help'],
  ['export good.aviary --format pdf', '--format', 'perfetto'],
  ['export good.aviary --format text --out absent/x.txt', 'absent/x.txt', 'check the path'],
  ['bench speed', 'speed', 'sim, check, layout'],
]

test.concurrent.each(calls)('aviary %s', { timeout: 60_000 }, async (line, what, mend) => {
  expectUsageError(await aviary(cwd, ...line.split(' ')), what, mend)
})
