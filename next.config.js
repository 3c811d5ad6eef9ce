/** @type {import('next').NextConfig} */
export default {
  poweredByHeader: false,
  reactStrictMode: true,
  // tsc runs in the gate; a build on the user's machine need not check the types again.
  typescript: { ignoreBuildErrors: true },
}
