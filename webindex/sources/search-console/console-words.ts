/** The kinds of performance tables whose first column holds words. */
export const dimensions = ['queries', 'countries', 'devices', 'search appearance'] as const
export type Dimension = (typeof dimensions)[number]

/** Languages in which exports may name countries. */
const languages =
  `en de fr es pt pt-PT it nl sv da nb fi pl cs sk hu ro bg el tr ru uk ar he fa hi bn ta te mr th vi id ms fil ja ko
  zh-Hans zh-Hant zh-HK hr sr sl lt lv et ca sw`.split(/\s+/)

/**
 * Parts of lower-case table names and column headers. They cover few languages, so they count only
 * if the content of the table is inconclusive.
 */
const nameParts: Record<Dimension, string[]> = {
  queries:
    `quer suchanfrag requête consulta zoekopdracht sökfråg forespørg søgeord søkeord hakukysel zapyta dotaz lekérdez interogăr заявк ερωτήμ
    sorgu запрос запит استعلام שאילת क्वेरी คำค้น truy kueri クエリ 쿼리 검색어 查询 查詢`.split(
      /\s+/,
    ),
  countries:
    `countr länder pays país paesi landen land maat kraje země krajin ország țări държав χώρ ülke стран країн البلد بلدان דינות देश
    ประเทศ quốc negara 国 國 국가`.split(/\s+/),
  devices:
    `device gerät appareil dispositiv apparat enhet enhed laitte urządz zařízen eszköz устройств συσκευ cihaz пристро أجهزة מכשיר डिवाइस
    อุปกรณ์ thiết perangkat デバイス 기기 设备 裝置`.split(/\s+/),
  'search appearance':
    `appearance darstellung apparence aspecto aparência aspetto weergave utseende udseende wygląd vzhled megjelen görünüm
    ظهور tampilan 見え方 노출 外观 外觀`.split(/\s+/),
}

/** Cells of a table of devices, in lower case. */
const devices = new Set(
  `desktop,mobile,tablet,computer,pc,ordinateur,pc de bureau,tablette,ordenador,móvil,computador,celular,dispositivo móvel,smartphone,mobil,
  mobilgerät,komputer,telefon,počítač,dator,компьютеры,планшеты,мобильные устройства,bilgisayar,masaüstü,컴퓨터,데스크톱,모바일,태블릿,パソコン,デスクトップ,
  モバイル,タブレット,电脑,桌面设备,移动设备,平板电脑,電腦,行動裝置,平板電腦,डेस्कटॉप,मोबाइल,टैबलेट,เดสก์ท็อป,แท็บเล็ต,máy tính,điện thoại di động,máy tính bảng,
  الكمبيوتر,كمبيوتر,الجوّال,جهاز جوّال,جهاز لوحي,الجهاز اللوحي`.split(/,\s*/),
)

let countryNames: Set<string> | undefined

/** Built on first use, as it takes 50 ms. */
function countries(): Set<string> {
  if (countryNames) return countryNames
  countryNames = new Set()
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ']
  const codes = letters.flatMap((first) => letters.map((second) => first + second))
  for (const language of languages) {
    const names = new Intl.DisplayNames(language, { type: 'region', fallback: 'none' })
    for (const code of codes) {
      const name = names.of(code)
      if (name) countryNames.add(name.toLowerCase())
    }
  }
  return countryNames
}

/** Whether a cell is the name of a country in one of the known languages. */
export function isCountry(cell: string): boolean {
  return countries().has(cell.toLowerCase())
}

export function isDevice(cell: string): boolean {
  return devices.has(cell.toLowerCase())
}

/** The dimension that these names suggest; null if they suggest none or several. */
export function hintOf(...names: string[]): Dimension | null {
  const text = names.join(' ').toLowerCase()
  const suggested = dimensions.filter((dimension) =>
    nameParts[dimension].some((part) => text.includes(part)),
  )
  return suggested.length === 1 ? (suggested[0] ?? null) : null
}
