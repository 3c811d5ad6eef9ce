import type { Metadata, Viewport } from 'next'
import { cookies } from 'next/headers'
import type { ReactNode } from 'react'
import './globals.css'
import { readMe } from './http/for-visitor.ts'
import { Header } from './shell/header.tsx'
import { readTheme, themeCookie } from './shell/theme.ts'
import { Tooltips } from './ui/tooltip.tsx'

export const metadata: Metadata = {
  title: { default: 'Searchlight', template: '%s – Searchlight' },
  description: 'Long searches with live results.',
}

export const viewport: Viewport = {
  themeColor: [
    { media: '(prefers-color-scheme: light)', color: '#fafafa' },
    { media: '(prefers-color-scheme: dark)', color: '#0c0d0f' },
  ],
}

export default async function RootLayout({ children }: { children: ReactNode }) {
  const theme = readTheme((await cookies()).get(themeCookie)?.value)
  // If the API fails, the page reports it; the layout still renders, without an account.
  const user = await readMe().then(
    (me) => me.user,
    () => null,
  )
  return (
    <html
      lang="en"
      {...(theme === 'system' ? {} : { 'data-theme': theme })}
      suppressHydrationWarning
    >
      <body>
        <a
          href="#main"
          className="sr-only z-50 rounded-md bg-solid px-3 py-2 text-on-solid focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
        >
          Skip to content
        </a>
        <Tooltips>
          <Header user={user} theme={theme} />
          <main id="main">{children}</main>
        </Tooltips>
      </body>
    </html>
  )
}
