/** The keeper as a process: `node keeper-process.js FOLDER`. */
import { readFileSync } from 'node:fs'
import { Keeper } from './keeper.js'
import { type KeeperOrder, orderPath } from './keeper-protocol.js'

async function main(): Promise<void> {
  const folder = process.argv[2]!
  const order = JSON.parse(readFileSync(orderPath(folder), 'utf8')) as KeeperOrder
  const keeper = new Keeper(folder, order)
  const leave = (): void => {
    void keeper.close().then(() => process.exit(0))
  }
  process.on('SIGTERM', leave)
  process.on('SIGINT', leave)
  process.on('SIGHUP', leave)
  let mayStay = false
  process.stdin.on('data', () => {
    mayStay = true
  })
  process.stdin.on('end', () => {
    if (!mayStay) leave()
  })
  await keeper.open()
}

await main()
