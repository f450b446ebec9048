/** Light or dark: as the system says until a person chooses, then as chosen. */
const key = 'aviary-theme'

const systemTheme = (): 'light' | 'dark' =>
  matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'

/** Storage may be forbidden; the choice then holds until the page is closed. */
function remembered(name: string): string | null {
  try {
    return localStorage.getItem(name)
  } catch {
    return null
  }
}
function remember(name: string, value: string): void {
  try {
    localStorage.setItem(name, value)
  } catch {
    // Not remembered, then.
  }
}

export function startTheme(): void {
  const chosen = remembered(key)
  document.documentElement.dataset.theme = chosen === 'light' || chosen === 'dark' ? chosen : systemTheme()
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    if (remembered(key) === null) document.documentElement.dataset.theme = systemTheme()
  })
}
export function chooseTheme(): void {
  const next = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark'
  document.documentElement.dataset.theme = next
  remember(key, next)
}
