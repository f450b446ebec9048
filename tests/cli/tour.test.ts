import { expect, test } from 'vitest'
import { aviary, folderWith } from './support.js'

test('the tour goes as told, and ends with commands that work', { timeout: 90_000 }, async () => {
  const cwd = folderWith()
  const { code, stdout } = await aviary(cwd, 'tour')
  expect(code).toBe(0)
  expect(stdout).toContain('Nothing found')
  expect(stdout).toMatch(/actions +\d+ +→ +\d+/)
  expect(stdout).toContain('Reproduced')
  const told = /npx aviary (replay \S+) --right/.exec(stdout)![1]!
  expect((await aviary(cwd, ...told.split(' '))).code).toBe(1)
})
