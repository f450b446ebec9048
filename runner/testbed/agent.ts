/**
 * The program that answers for a machine, inside of it: sets up soft-RoCE, then runs programs and opens connections for
 * the keeper, over a port of virtio-serial. It runs on the host's Node and on nothing else of this package's packages.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createReadStream, openSync, readFileSync, readdirSync, write, writeFileSync } from 'node:fs'
import { type Socket, connect } from 'node:net'
import { deserialize, serialize } from 'node:v8'
import {
  CHUNK_BYTES,
  type DialOrder,
  type ProgramEnd,
  type Hello,
  Kind,
  type SpawnOrder,
  frame,
  frameReader,
  jsonOf,
} from './frames.js'

/** Written by the keeper for each machine. */
export interface AgentSettings {
  readonly address: string
  readonly prefixLength: number
  /** Address and hardware address of the others. */
  readonly peers: readonly (readonly [string, string])[]
}

/** Of the port, as QEMU was told. */
const PORT_NAME = 'agent'
const GID_MILLIS = 20_000
/** Bytes waiting for the port, above which programs are not read on. */
const MOST_WAITING_BYTES = 2 ** 20

const port = openSync(`/dev/${portDevice()}`, 'r+')
const children = new Map<number, ChildProcess>()
const connections = new Map<number, Socket>()

function portDevice(): string {
  const folder = '/sys/class/virtio-ports'
  const device = readdirSync(folder).find(
    (each) => readFileSync(`${folder}/${each}/name`, 'utf8').trim() === PORT_NAME,
  )
  if (device === undefined) throw new Error(`virtio-serial has no port ${PORT_NAME}`)
  return device
}

// ---- towards the keeper

const waiting: Buffer[] = []
let waitingBytes = 0
let isWriting = false

function send(stream: number, kind: Kind, payload: Uint8Array | string = ''): void {
  const bytes = frame(stream, kind, payload)
  waiting.push(bytes)
  waitingBytes += bytes.length
  flow()
  if (!isWriting) writeNext()
}

/** The port takes at most 32 KiB at a time, and may take less than it is given. */
function writeNext(): void {
  const bytes = waiting[0]
  isWriting = bytes !== undefined
  if (bytes === undefined) return
  write(port, bytes, 0, Math.min(bytes.length, CHUNK_BYTES), null, (error, written) => {
    if (error !== null) throw error
    waitingBytes -= written
    if (written === bytes.length) waiting.shift()
    else waiting[0] = bytes.subarray(written)
    flow()
    writeNext()
  })
}

let isHeld = false
function flow(): void {
  const hold = waitingBytes > MOST_WAITING_BYTES
  if (hold === isHeld) return
  isHeld = hold
  const sources = [...children.values()].flatMap(({ stdout, stderr }) => [stdout, stderr])
  for (const source of [...sources, ...connections.values()])
    if (hold) source?.pause()
    else source?.resume()
}

function sendBytes(stream: number, kind: Kind, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES)
    send(stream, kind, bytes.subarray(at, at + CHUNK_BYTES))
}

const end = (stream: number, ended: ProgramEnd): void => {
  send(stream, Kind.exit, JSON.stringify(ended))
}

// ---- what the keeper asks for

function begin(stream: number, order: SpawnOrder): void {
  const [program = '', ...args] = order.argv
  if (order.fresh === true) forgetFiles()
  const child = spawn(program, args, {
    cwd: order.cwd ?? '/',
    env: { ...process.env, ...order.env },
    stdio: ['pipe', 'pipe', 'pipe', order.ipc === true ? 'ipc' : 'ignore'],
    serialization: 'advanced',
    // A group of its own, so that a signal reaches what it has started, too.
    detached: true,
  })
  children.set(stream, child)
  child.stdout!.on('data', (bytes: Buffer) => {
    sendBytes(stream, Kind.output, bytes)
  })
  child.stderr!.on('data', (bytes: Buffer) => {
    sendBytes(stream, Kind.error, bytes)
  })
  // Programs may close their input, or never read it.
  child.stdin!.on('error', () => undefined)
  child.on('message', (message) => {
    send(stream, Kind.message, serialize(message))
  })
  child.on('error', (error: NodeJS.ErrnoException) => {
    if (!children.delete(stream)) return
    const reason = error.code === 'ENOENT' ? `there is no ${program}` : error.message
    end(stream, { code: 127, signal: null, error: reason })
  })
  child.on('close', (code, signal) => {
    if (children.delete(stream)) end(stream, { code, signal })
  })
}

/** Files of the host's tree are remembered once they were read; this makes changed ones seen. */
function forgetFiles(): void {
  writeFileSync('/proc/sys/vm/drop_caches', '3')
}

function dial(stream: number, { host, port }: DialOrder): void {
  const socket = connect({ host, port, noDelay: true })
  connections.set(stream, socket)
  socket.on('data', (bytes) => {
    sendBytes(stream, Kind.output, bytes)
  })
  socket.on('error', (error) => {
    if (connections.delete(stream)) end(stream, { code: 1, signal: null, error: error.message })
  })
  socket.on('close', () => {
    if (connections.delete(stream)) end(stream, { code: 0, signal: null })
  })
}

function signal(stream: number, name: NodeJS.Signals): void {
  const socket = connections.get(stream)
  connections.delete(stream)
  socket?.destroy()
  const pid = children.get(stream)?.pid
  if (pid === undefined) return
  try {
    process.kill(-pid, name)
  } catch {
    // It has ended just now.
  }
}

function heard(stream: number, kind: Kind, payload: Buffer): void {
  const child = children.get(stream)
  const sink = child?.stdin ?? connections.get(stream)
  if (kind === Kind.spawn) begin(stream, jsonOf(payload) as SpawnOrder)
  else if (kind === Kind.dial) dial(stream, jsonOf(payload) as DialOrder)
  // The payload is part of what was read, and what was read is used again.
  else if (kind === Kind.input) sink?.write(Buffer.from(payload))
  else if (kind === Kind.inputEnd) sink?.end()
  else if (kind === Kind.signal) signal(stream, payload.toString('latin1') as NodeJS.Signals)
  else if (kind === Kind.message) child?.send(deserialize(payload) as object, () => undefined)
}

// ---- the network

/** Nothing is asked of the network itself: a link that is cut in one direction still carries the other one. */
async function openNetwork({ address, prefixLength, peers }: AgentSettings): Promise<void> {
  const script = [
    'set -e',
    'ip link set lo up',
    'echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_dad',
    `ip addr add ${address}/${String(prefixLength)} dev eth0`,
    'ip link set eth0 up',
    ...peers.map(([peer, hardware]) => `ip neigh replace ${peer} lladdr ${hardware} dev eth0 nud permanent`),
    'tc qdisc add dev eth0 clsact',
    'rdma link add rxe0 type rxe netdev eth0',
  ]
  await new Promise<void>((resolve, reject) => {
    execFile('/bin/sh', ['-c', script.join('\n')], (error, _, stderr) => {
      if (error === null) resolve()
      else reject(new Error(stderr.trim() === '' ? error.message : stderr.trim()))
    })
  })
  const octets = address.split('.').map((octet) => Number(octet).toString(16).padStart(2, '0'))
  const mapped = `ffff:${octets[0]!}${octets[1]!}:${octets[2]!}${octets[3]!}`
  const folder = '/sys/class/infiniband/rxe0/ports/1/gids'
  for (const late = performance.now() + GID_MILLIS; performance.now() < late;) {
    const gids = readdirSync(folder).map((index) => readGid(`${folder}/${index}`))
    if (gids.some((gid) => gid.endsWith(mapped))) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`rxe0 has no GID for ${address}`)
}

/** An index without an entry cannot be read. */
function readGid(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}

const uptime = (): number => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0])

async function main(): Promise<void> {
  const settings = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as AgentSettings
  let error: string | undefined
  try {
    await openNetwork(settings)
  } catch (reason) {
    error = (reason as Error).message
  }
  const hello: Hello = { uptime: uptime(), error }
  send(0, Kind.hello, JSON.stringify(hello))
  const read = frameReader(heard)
  // At the end of what there is, the port says that nobody is connected: the keeper has ended, and so does QEMU.
  createReadStream('', { fd: port, highWaterMark: 65_536, autoClose: false }).on('data', (bytes) => {
    read(bytes as Buffer)
  })
}

await main()
