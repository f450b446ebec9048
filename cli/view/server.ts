/**
 * Serves the page: to this machine alone, files that were read beforehand, and nothing else.
 *
 * Contract. Listens on the loopback address. Answers GET and HEAD for known paths; a request that was meant for another
 * host (a name that was made to point here) is refused. The page may load nothing but what is served here, and no other
 * page may embed it.
 */
import { type Server, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname } from 'node:path'
import { UsageError } from '../errors.js'
import type { PageFiles } from './page-files.js'

const loopback = '127.0.0.1'

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
}

const securityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const headers = {
  'Content-Security-Policy': securityPolicy,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
}

export interface PageServer {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

/** @param port 0: a free one */
export async function servePage(files: PageFiles, port: number): Promise<PageServer> {
  let hosts: readonly string[] = []
  const server = createServer((request, response) => {
    const answer = (status: number, type: string, body: Uint8Array | string): void => {
      response.writeHead(status, {
        ...headers,
        'Content-Type': type,
        'Content-Length': Buffer.byteLength(body),
      })
      response.end(request.method === 'HEAD' ? undefined : body)
    }
    const refuse = (status: number, why: string): void => {
      answer(status, 'text/plain; charset=utf-8', `${why}\n`)
    }
    if (!hosts.includes(request.headers.host ?? '')) {
      refuse(403, 'This page is for this machine alone.')
      return
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      refuse(405, 'Only GET and HEAD.')
      return
    }
    const path = (request.url ?? '/').replace(/[?#].*$/, '').slice(1)
    const name = path === '' ? 'index.html' : path
    const file = files.get(name)
    if (file === undefined) refuse(404, 'There is no such file.')
    else answer(200, contentTypes[extname(name)] ?? 'application/octet-stream', file)
  })
  const at = await listen(server, port)
  hosts = [`${loopback}:${String(at)}`, `localhost:${String(at)}`]
  return {
    url: `http://${loopback}:${String(at)}/`,
    port: at,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE'
      reject(
        new UsageError(
          `--port ${String(port)}: ${taken ? 'is taken' : `cannot be listened on (${error.code ?? error.message})`}`,
          'leave --port out for a free one.',
        ),
      )
    })
    server.listen(port, loopback, () => {
      resolve((server.address() as AddressInfo).port)
    })
  })
}
