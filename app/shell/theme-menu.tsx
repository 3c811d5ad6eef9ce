'use client'

import { Check, Monitor, Moon, Sun } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import { useState } from 'react'
import { MenuContent, menuItemLook } from '../ui/menu.tsx'
import { readTheme, type Theme, themeCookie, themes } from './theme.ts'

const icons = { system: Monitor, light: Sun, dark: Moon }
const labels = { system: 'System', light: 'Light', dark: 'Dark' }
const yearInSeconds = 365 * 24 * 3600

export function ThemeMenu({ initial }: { initial: Theme }) {
  const [theme, setTheme] = useState(initial)
  const Icon = icons[theme]

  function choose(value: string) {
    const chosen = readTheme(value)
    setTheme(chosen)
    const root = document.documentElement
    if (chosen === 'system') delete root.dataset.theme
    else root.dataset.theme = chosen
    // biome-ignore lint/suspicious/noDocumentCookie: not every browser has the Cookie Store API
    document.cookie = `${themeCookie}=${chosen}; path=/; max-age=${yearInSeconds}; samesite=lax`
  }

  return (
    <DropdownMenu.Root>
      <DropdownMenu.Trigger
        aria-label={`Theme: ${labels[theme]}`}
        className="grid size-8 place-items-center rounded-md text-ink-3 hover:bg-hover hover:text-ink data-[state=open]:bg-hover"
      >
        <Icon size={16} aria-hidden />
      </DropdownMenu.Trigger>
      <MenuContent>
        <DropdownMenu.RadioGroup value={theme} onValueChange={choose}>
          {themes.map((value) => {
            const ItemIcon = icons[value]
            return (
              <DropdownMenu.RadioItem key={value} value={value} className={menuItemLook}>
                <ItemIcon size={14} aria-hidden className="text-ink-3" />
                {labels[value]}
                <DropdownMenu.ItemIndicator className="ml-auto pl-4">
                  <Check size={14} aria-hidden />
                </DropdownMenu.ItemIndicator>
              </DropdownMenu.RadioItem>
            )
          })}
        </DropdownMenu.RadioGroup>
      </MenuContent>
    </DropdownMenu.Root>
  )
}
