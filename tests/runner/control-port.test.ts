/** The control port: members that prove themselves, observers, and everybody else. */
import { type Socket, connect, createServer } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { Channel } from '../../runner/channel.js'
import { type Cluster, type Info, Peers, askMember, parseCluster } from '../../runner/index.js'

const until = async (isSo: () => boolean, what: string): Promise<void> => {
  for (
    const end = performance.now() + 20_000;
    !isSo();
    await new Promise((resolve) => setTimeout(resolve, 2))
  )
    if (performance.now() > end) throw new Error(`not within 20 s: ${what}`)
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => {
        resolve(port)
      })
    })
  })

const clusterWith = (ports: readonly number[], secret = '0123456789abcdef', name = 'demo'): Cluster =>
  parseCluster(
    `name = "${name}"\nsystem = "paxos"\nsecret = "${secret}"\n${ports
      .map((port) => `[[member]]\ncontrol = "127.0.0.1:${String(port)}"\nfolder = "f"\n`)
      .join('')}`,
    'test.toml',
  )

const infoOf = (boot: string, more: Partial<Info> = {}): Info => ({
  kind: 'info',
  boot,
  pid: 1,
  version: '1',
  digest: 'd',
  layout: 'l',
  known: [0, 0],
  ...more,
})

const open: (() => void)[] = []
afterEach(() => {
  for (const close of open.splice(0)) close()
})

async function memberOf(cluster: Cluster, self: number, info = infoOf(`boot ${String(self)}`)) {
  const heard: (Info | undefined)[] = []
  const complaints: string[] = []
  const peers = new Peers({
    cluster,
    self,
    info: () => info,
    heard: (_peer, its) => heard.push(its),
    address: () => undefined,
    met: () => undefined,
    asked: (question) => {
      if ((question as { kind?: string }).kind === 'echo') return question
      throw new Error('this question is not known')
    },
    complain: (message) => complaints.push(message),
  })
  await peers.open()
  open.push(() => {
    peers.close()
  })
  return { peers, heard, complaints }
}

it('members that know the secret hear each other, again after one has gone', async () => {
  const cluster = clusterWith([await freePort(), await freePort()])
  const first = await memberOf(cluster, 0)
  const second = await memberOf(cluster, 1)
  await until(() => first.heard.length > 0 && second.heard.length > 0, 'both hear')
  expect([first.heard[0]?.boot, second.heard[0]?.boot]).toEqual(['boot 1', 'boot 0'])
  first.peers.close()
  await until(() => second.heard.length === 2, 'the other one is gone')
  const again = await memberOf(cluster, 0, infoOf('boot anew'))
  await until(() => second.heard.at(-1)?.boot === 'boot anew', 'it is back')
  expect(again.complaints).toEqual([])
})

it('a member whose machine is gone without a word is called again, and heard when it is back', async () => {
  const port = await freePort()
  // Between the two sits a network that stops carrying a connection, and says nothing of it to either side.
  const carried: Socket[] = []
  const network = createServer((socket) => {
    const onward = connect(port, '127.0.0.1')
    carried.push(socket, onward)
    for (const [from, to] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      from.pipe(to)
      from.on('error', () => undefined)
    }
  })
  const networkPort = await new Promise<number>((resolve) =>
    network.listen(0, '127.0.0.1', () => {
      resolve((network.address() as { port: number }).port)
    }),
  )
  open.push(() => {
    network.close()
    for (const socket of carried) socket.destroy()
  })
  const otherPort = await freePort()
  const first = await memberOf(clusterWith([port, otherPort]), 0)
  const second = await memberOf(clusterWith([networkPort, otherPort]), 1)
  await until(() => first.heard.length > 0 && second.heard.length > 0, 'both hear')
  for (const socket of carried.splice(0)) {
    socket.unpipe()
    socket.pause()
    open.push(() => socket.destroy())
  }
  await until(() => second.heard[1] === undefined && second.heard.length > 1, 'the caller misses it')
  await until(() => second.heard.at(-1) !== undefined && first.heard.at(-1) !== undefined, 'both hear again')
  expect(second.complaints).toEqual(['member 0: nothing came for 6 s'])
  expect(first.heard.at(-1)?.boot).toBe('boot 1')
}, 60_000)

describe('who is turned away', () => {
  it.each([
    ['another secret', clusterWith, ['a secret of somebody else'], 'the secrets differ'],
    ['another cluster', clusterWith, ['0123456789abcdef', 'other'], 'this is the cluster'],
  ] as const)('%s', async (_, make, more, words) => {
    const ports = [await freePort(), await freePort()]
    const first = await memberOf(clusterWith(ports), 0)
    const second = await memberOf(make(ports, ...(more as readonly [string])), 1)
    await until(() => first.complaints.length > 0 && second.complaints.length > 0, 'both complain')
    expect(first.complaints[0]).toContain(words)
    expect(second.complaints[0]).toContain(words)
    expect(first.heard.concat(second.heard)).toEqual([])
  })

  it.each([
    ['version', { version: '2' }, /runs version 2, this member 1/],
    ['configuration', { digest: 'e' }, /has another configuration/],
    ['layout', { layout: 'm' }, /cores with other bytes/],
  ] as const)('another %s', async (_, more, words) => {
    const cluster = clusterWith([await freePort(), await freePort()])
    const first = await memberOf(cluster, 0)
    await memberOf(cluster, 1, infoOf('boot 1', more))
    await until(() => first.complaints.length > 0, 'a complaint')
    expect(first.complaints[0]).toMatch(words)
    expect(first.heard.filter((info) => info !== undefined)).toEqual([])
  })
})

describe('observers', () => {
  it('are answered, told what is wrong, and must know the secret', async () => {
    const ports = [await freePort()]
    const cluster = clusterWith(ports)
    await memberOf(cluster, 0)
    expect(await askMember(cluster, 0, { kind: 'echo', x: 1 })).toEqual({ kind: 'echo', x: 1 })
    await expect(askMember(cluster, 0, { kind: 'what' })).rejects.toThrow('this question is not known')
    const stranger = clusterWith(ports, 'another secret, and long')
    await expect(askMember(stranger, 0, { kind: 'echo' })).rejects.toThrow('the secrets differ')
  })

  it('hear at once that nobody is there', async () => {
    await expect(askMember(clusterWith([await freePort()]), 0, {})).rejects.toThrow(/ECONNREFUSED/)
  })
})

const send = (port: number, bytes: Uint8Array): Promise<Buffer> =>
  new Promise((resolve) => {
    const got: Buffer[] = []
    const socket: Socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.on('data', (chunk) => got.push(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      resolve(Buffer.concat(got))
    })
    // A prefix of a frame is waited for; the sender gives up.
    setTimeout(() => socket.destroy(), 30)
  })

it('bytes of any kind end their own connection and nothing else', async () => {
  const cluster = clusterWith([await freePort(), await freePort()])
  const { port } = cluster.members[0]!.control
  const first = await memberOf(cluster, 0)
  const frame = (body: string): Uint8Array => {
    const bytes = Buffer.from(body)
    const head = Buffer.alloc(4)
    head.writeUInt32BE(bytes.length)
    return Buffer.concat([head, bytes])
  }
  const hello = { aviary: 2, cluster: 'demo', from: 1, nonce: '0'.repeat(32) }
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 3000 }),
    fc.json().map(frame),
    fc.constantFrom('', '{', 'null', '[]', '0').map(frame),
    fc
      .record({ aviary: fc.integer(), cluster: fc.string(), from: fc.integer(), nonce: fc.string() })
      .map((each) => frame(JSON.stringify(each))),
    fc
      .constantFrom({ proof: '' }, { proof: '0'.repeat(64) }, { refused: 'no' }, {})
      .map((each) => Buffer.concat([frame(JSON.stringify(hello)), frame(JSON.stringify(each))])),
    fc.constant(Buffer.from('GET / HTTP/1.1\r\n\r\n')),
    fc.constant(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1, 2, 3)),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(garbage, { minLength: 1, maxLength: 8 }), async (pieces) => {
      await Promise.all(pieces.map((piece) => send(port, piece)))
    }),
    { numRuns: 25 },
  )
  expect(first.heard).toEqual([])
  const second = await memberOf(cluster, 1)
  await until(() => second.heard.length > 0, 'an honest member is heard')
  expect(await askMember(cluster, 0, { kind: 'echo' })).toEqual({ kind: 'echo' })
})

it('a frame that is changed, or sent twice, ends the connection', async () => {
  for (const tamper of ['change', 'repeat'] as const) {
    const received: unknown[] = []
    const reasons: (string | undefined)[] = []
    const server = createServer()
    const port = await new Promise<number>((resolve) =>
      server.listen(0, '127.0.0.1', () => {
        resolve((server.address() as { port: number }).port)
      }),
    )
    const ends = { cluster: 'demo', secret: 'a secret', self: -1 }
    server.on('connection', (socket) => {
      new Channel(socket, false, {
        ...ends,
        opened: () => undefined,
        received: (message) => received.push(message),
        closed: (reason) => reasons.push(reason),
      })
    })
    // Between the two sits somebody who touches what passes once both are open.
    let isOpen = false
    const middle = createServer((socket) => {
      const onward = connect(port, '127.0.0.1')
      socket.on('data', (bytes: Buffer) => {
        if (isOpen && tamper === 'change') bytes[6]! ^= 1
        onward.write(bytes)
        if (isOpen && tamper === 'repeat') onward.write(bytes)
      })
      onward.on('data', (bytes) => socket.write(bytes))
      onward.on('close', () => socket.destroy())
      socket.on('close', () => onward.destroy())
      socket.on('error', () => undefined)
      onward.on('error', () => undefined)
    })
    const middlePort = await new Promise<number>((resolve) =>
      middle.listen(0, '127.0.0.1', () => {
        resolve((middle.address() as { port: number }).port)
      }),
    )
    const channel: Channel = new Channel(connect(middlePort, '127.0.0.1'), true, {
      ...ends,
      opened: () => {
        // The own proof has passed by then.
        setTimeout(() => {
          isOpen = true
          channel.send({ number: 1 })
        }, 20)
      },
      received: () => undefined,
      closed: () => undefined,
    })
    await until(() => reasons.length > 0, 'the connection ends')
    expect(reasons).toEqual(['a frame was changed on its way'])
    expect(received).toEqual(tamper === 'change' ? [] : [{ number: 1 }])
    channel.close()
    server.close()
    middle.close()
  }
})
