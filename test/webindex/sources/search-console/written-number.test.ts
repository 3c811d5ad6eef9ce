import { expect, test } from 'vitest'
import {
  readCount,
  readDecimal,
  readShare,
} from '#webindex/sources/search-console/written-number.ts'

const locales = [
  'en',
  'de',
  'de-CH',
  'fr',
  'ru',
  'pl',
  'pt-PT',
  'es',
  'sv',
  'hi',
  'bn-u-nu-beng',
  'ja',
  'ar-EG',
  'fa',
  'my',
  'ne',
]

test('numbers survive formatting in any locale and reading', () => {
  for (const locale of locales) {
    const count = new Intl.NumberFormat(locale)
    const decimal = new Intl.NumberFormat(locale, { minimumFractionDigits: 1 })
    const percent = new Intl.NumberFormat(locale, { style: 'percent', minimumFractionDigits: 2 })
    for (const value of [0, 7, 999, 1_240, 12_345, 1_234_567, 9_876_543_210])
      expect(readCount(count.format(value)), `${locale} ${value}`).toBe(value)
    for (const value of [1, 3.5, 12.25, 998.4, 1_234.5])
      expect(readDecimal(decimal.format(value)), `${locale} ${value}`).toBe(value)
    for (const value of [0, 0.0333, 0.5, 1])
      expect(readShare(percent.format(value)), `${locale} ${value}`).toBeCloseTo(value, 10)
  }
})

test('any separator, direction marks, and a percent sign before or after are read', () => {
  for (const written of [
    '1,240',
    '1.240',
    '1 240',
    '1\u00a0240',
    '1\u202f240',
    '1’240',
    '١٬٢٤٠',
    '\u200f1240',
    '１２４０',
  ])
    expect(readCount(written), written).toBe(1240)
  for (const written of ['3.5', '3,5', '٣٫٥']) expect(readDecimal(written), written).toBe(3.5)
  for (const written of ['3.5%', '3,5 %', '%3,5', '٣٫٥٪', '0.035'])
    expect(readShare(written), written).toBeCloseTo(0.035, 10)
  expect(readShare('<1%')).toBe(0.01)
  expect(readDecimal('1.234,5')).toBe(1234.5)
  expect(readDecimal('1,234.5')).toBe(1234.5)
  expect(readDecimal('1.234.567')).toBe(1234567)
})

test('other text is not a number', () => {
  for (const written of ['', 'abc', '3.5', '-1', '12,34', '1,2345', '1e5', '99999999999999999999'])
    expect(readCount(written), written).toBeNull()
  for (const written of ['', '.', '3.', '.5', '-3.5', '1,23,4.5', '3.5x'])
    expect(readDecimal(written), written).toBeNull()
  for (const written of ['', '%', '101%', '1.5']) expect(readShare(written), written).toBeNull()
})
