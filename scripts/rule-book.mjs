// Writes the rules into docs/fabric.md: each rule of protocol/rule-book.ts with its source and with the litmus programs
// that notice when it is broken, from a run of all of them.
//
//   node scripts/rule-book.mjs          writes docs/fabric.md
//   node scripts/rule-book.mjs --check  writes nothing; exits 1 when it differs from what is committed
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as prettier from 'prettier'
import { bootstrapOrExit } from './bootstrap.mjs'

const root = new URL('../', import.meta.url)
const docUrl = new URL('docs/fabric.md', root)
const begin = '<!-- made by scripts/rule-book.mjs -->\n'
const end = '<!-- end -->\n'

/** Which programs notice which rule. */
function noticed() {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [fileURLToPath(new URL('cli/aviary.mjs', root)), 'litmus', '--mutations', '--json'],
    { encoding: 'utf8', maxBuffer: 2 ** 26 },
  )
  if (status !== 0) throw new Error(`aviary litmus --mutations: exit ${status}\n${stderr}`)
  const { rules } = JSON.parse(stdout.trim().split('\n').at(-1))
  return new Map(rules.map(({ rule, noticedBy }) => [rule, noticedBy]))
}

/** The text between the markers. */
async function rulesText() {
  const { ruleBook, ruleGroups } = await import(new URL('dist/protocol/index.js', root).href)
  const programs = noticed()
  let text = ''
  for (const group of ruleGroups) {
    text += `\n### ${group}\n`
    for (const [name, { group: own, rule, instead, source }] of Object.entries(ruleBook)) {
      if (own !== group) continue
      const by = programs.get(name).map((program) => `\`${program}\``)
      text += `\n- **\`${name}\`**: ${rule}\n  - Broken: ${instead}\n  - Source: ${source}.\n  - Noticed by ${by.join(', ')}.\n`
    }
  }
  return text
}

await bootstrapOrExit()
const doc = readFileSync(docUrl, 'utf8')
const head = doc.slice(0, doc.indexOf(begin) + begin.length)
const tail = doc.slice(doc.indexOf(end))
const options = await prettier.resolveConfig(fileURLToPath(docUrl))
const wanted = await prettier.format(`${head}${await rulesText()}\n${tail}`, {
  ...options,
  parser: 'markdown',
})
if (process.argv.includes('--check')) {
  if (wanted !== doc) {
    console.error(
      'docs/fabric.md is not what the rule book and the litmus programs give: node scripts/rule-book.mjs',
    )
    process.exit(1)
  }
} else writeFileSync(docUrl, wanted)
