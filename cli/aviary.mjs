#!/usr/bin/env node
// The `aviary` command. In a checkout it first brings packages and build up to date; in an installed package
// both are there already. It depends on nothing, so that it can explain what is missing.
import { existsSync } from 'node:fs'

if (Number.parseInt(process.versions.node, 10) < 20) {
  console.error(`aviary: needs Node 20 or newer, and this is ${process.version}. Install a newer Node.`)
  process.exit(2)
}

const bootstrapScript = new URL('../scripts/bootstrap.mjs', import.meta.url)
if (existsSync(bootstrapScript)) {
  const { bootstrapOrExit } = await import(bootstrapScript.href)
  await bootstrapOrExit()
}

await import('../dist/cli/main.js')
