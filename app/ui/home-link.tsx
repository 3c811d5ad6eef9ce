import Link from 'next/link'
import { buttonLook } from './button.tsx'

/** The action of a page that has only a message. */
export function HomeLink() {
  return (
    <Link href="/" prefetch={false} className={buttonLook()}>
      Go to your searches
    </Link>
  )
}
