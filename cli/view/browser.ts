/** Opens an address in the user's browser, where there is a screen. */
import { spawn } from 'node:child_process'

const isWindows = process.platform === 'win32'

/** Whether somebody sits here who would see a browser. */
const hasScreen = (): boolean =>
  process.platform === 'darwin' ||
  isWindows ||
  (process.env['DISPLAY'] ?? '') !== '' ||
  (process.env['WAYLAND_DISPLAY'] ?? '') !== ''

/** Resolves to whether a program took the address; what it does with it is not waited for. */
export function openBrowser(url: string): Promise<boolean> {
  if (!hasScreen() || !process.stdout.isTTY) return Promise.resolve(false)
  const [command, ...args] =
    process.platform === 'darwin'
      ? ['open', url]
      : isWindows
        ? ['cmd', '/c', 'start', '', url]
        : ['xdg-open', url]
  return new Promise((resolve) => {
    const child = spawn(command, args, { detached: true, stdio: 'ignore' })
    child.once('error', () => {
      resolve(false)
    })
    child.once('spawn', () => {
      child.unref()
      resolve(true)
    })
  })
}
