import Link from 'next/link'
import { buttonLook } from './button.tsx'

/** The way on from a page that leads nowhere. */
export function HomeLink() {
  return (
    <Link href="/" prefetch={false} className={buttonLook()}>
      Go to your searches
    </Link>
  )
}
