/** `aviary view`, started and asked as a page would. */
import { afterEach, expect } from 'vitest'
import { z } from 'zod'
import { type Ended, start } from './support.js'

const viewJson = z.object({ url: z.string(), port: z.number(), opened: z.boolean() })
const manifestJson = z.object({
  version: z.literal(1),
  open: z.unknown(),
  gallery: z.array(z.object({ system: z.string(), variant: z.string(), url: z.string() })),
  remarks: z.array(z.string()),
})

interface Viewed {
  readonly url: string
  readonly port: number
  /** Ends it as Ctrl-C does. */
  end(): Promise<Ended>
}
const running: Viewed[] = []
afterEach(async () => {
  for (const viewed of running.splice(0)) await viewed.end()
})

/** Starts the command and waits for its address; fails when it ends before. */
export async function view(cwd: string, ...args: readonly string[]): Promise<Viewed> {
  const { child, ended } = start(cwd, ['view', ...args, '--no-open', '--json'])
  const said = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout!.on('data', (chunk: string) => {
      text += chunk
      if (text.includes('\n')) resolve(text)
    })
    void ended.then(({ code, stderr }) => {
      reject(new Error(`ended with ${String(code)}: ${stderr}`))
    })
  })
  const { url, port, opened } = viewJson.parse(JSON.parse(said))
  expect(opened).toBe(false)
  const viewed = {
    url,
    port,
    end: () => {
      child.kill('SIGINT')
      return ended
    },
  }
  running.push(viewed)
  return viewed
}

export const get = async (
  url: string,
): Promise<{ status: number; type: string; bytes: Uint8Array<ArrayBuffer>; policy: string }> => {
  const response = await fetch(url)
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    policy: response.headers.get('content-security-policy') ?? '',
    bytes: new Uint8Array(await response.arrayBuffer()),
  }
}
export const manifestOf = async (url: string) =>
  manifestJson.parse(JSON.parse(Buffer.from((await get(`${url}manifest.json`)).bytes).toString()))
