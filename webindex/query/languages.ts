import { stopwords as bulgarian } from '@orama/stopwords/bulgarian'
import { stopwords as danish } from '@orama/stopwords/danish'
import { stopwords as dutch } from '@orama/stopwords/dutch'
import { stopwords as english } from '@orama/stopwords/english'
import { stopwords as finnish } from '@orama/stopwords/finnish'
import { stopwords as french } from '@orama/stopwords/french'
import { stopwords as german } from '@orama/stopwords/german'
import { stopwords as greek } from '@orama/stopwords/greek'
import { stopwords as hungarian } from '@orama/stopwords/hungarian'
import { stopwords as italian } from '@orama/stopwords/italian'
import { stopwords as norwegian } from '@orama/stopwords/norwegian'
import { stopwords as portuguese } from '@orama/stopwords/portuguese'
import { stopwords as romanian } from '@orama/stopwords/romanian'
import { stopwords as russian } from '@orama/stopwords/russian'
import { stopwords as spanish } from '@orama/stopwords/spanish'
import { stopwords as swedish } from '@orama/stopwords/swedish'
import { stopwords as turkish } from '@orama/stopwords/turkish'
import { stopwords as ukrainian } from '@orama/stopwords/ukrainian'

export interface Language {
  name: string
  /** Words such as articles and prepositions. */
  functionWords: readonly string[]
  /** Five function words by which texts in this language are recognised. */
  markers: readonly string[]
  /** The first words of questions. */
  questions: readonly string[]
}

const words = (text: string) => text.split(' ')

/** @param functionWords those of the library, and some that it lacks */
function language(
  name: string,
  functionWords: readonly string[],
  markers: string,
  questions: string,
): Language {
  return { name, functionWords, markers: words(markers), questions: questions.split(', ') }
}

export const languages: readonly Language[] = [
  language(
    'English',
    [...english, ...words('a s t also just via within without upon etc')],
    'the and with this from',
    'how to, how do, how does, how can, how is, how are, how much, how many, how long, what is, what are, what does, what do, why is, why are, why does, why do, when to, when does, where to, where is, where are, who is, is there, is it, can i, can you, should i, do i, does it',
  ),
  language(
    'German',
    german,
    'und nicht eine auch werden',
    'wie kann, wie man, wie viel, wie viele, wie lange, was ist, was sind, was bedeutet, warum, wieso, wann, wo ist, wo kann, welche, welcher, welches',
  ),
  language(
    'French',
    [...french, 'où'],
    'les dans une pour avec',
    "comment, pourquoi, combien, qu'est, quand, où trouver, quel, quelle, quels, quelles",
  ),
  language(
    'Spanish',
    spanish,
    'los las una del más',
    'cómo, qué es, qué son, por qué, cuándo, dónde, cuánto, cuántos, cuál',
  ),
  language(
    'Italian',
    italian,
    'che della nel gli sono',
    'come si, come fare, cosa è, che cosa, perché, quando, dove, quanto, quale',
  ),
  language(
    'Portuguese',
    portuguese,
    'não uma dos em são',
    'como fazer, como usar, o que, por que, quando, onde, quanto, qual',
  ),
  language(
    'Dutch',
    dutch,
    'het een niet van voor',
    'hoe, wat is, wat zijn, waarom, wanneer, waar, welke',
  ),
  language('Swedish', swedish, 'och att är inte för', 'hur, vad är, varför, när, var kan'),
  language('Danish', danish, 'og ikke af til jeg', 'hvordan, hvad er, hvorfor, hvornår'),
  language('Norwegian', norwegian, 'og ikke av til jeg', 'hvordan, hva er, hvorfor, når'),
  language('Finnish', finnish, 'ja että ovat mutta kuin', 'miten, mikä on, miksi, milloin'),
  language('Hungarian', hungarian, 'és hogy nem egy azt', 'hogyan, mi az, miért, mikor'),
  language(
    'Romanian',
    [...romanian, ...words('și o a')],
    'și pentru este din care',
    'cum, ce este, de ce, când',
  ),
  language('Russian', russian, 'и не что для это', 'как, что такое, почему, когда, где, сколько'),
  language(
    'Ukrainian',
    [...ukrainian, ...words('і й в у з на не до для за від по про при та що як це')],
    'і не що для це',
    'як, що таке, чому, коли, де, скільки',
  ),
  language('Bulgarian', bulgarian, 'и не да за се', 'как, какво е, защо, кога'),
  language('Greek', [...greek, 'από'], 'και να το για από', 'πώς, τι είναι, γιατί, πότε'),
  language('Turkish', turkish, 've bir için ile bu', 'nasıl, nedir, neden, ne zaman'),
]

/** A language is held if a text in 200 is written in it. */
const share = 1 / 200

/**
 * The languages of an index: those of which at least three of the five markers are common.
 * @param pagesWith the number of pages that have a word
 * @param pages the number of all pages
 */
export function languagesOf(pagesWith: ReadonlyMap<string, number>, pages: number): Language[] {
  const common = (word: string) => (pagesWith.get(word) ?? 0) >= Math.max(2, pages * share)
  return languages.filter(({ markers }) => markers.filter(common).length >= 3)
}
