/** `highlightedTitle` as nodes. It is HTML with <mark> alone, so no parser of HTML is needed to read it. */
import { h } from './dom';

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", '#x27': "'" };

const unescape = (text: string) =>
  text.replace(/&(#39|#x27|\w+);/g, (entity, name: string) => ENTITIES[name] ?? entity);

export function highlightedNodes(html: string): (Node | string)[] {
  return html.split(/<mark>(.*?)<\/mark>/).map((part, index) => {
    const text = unescape(part);
    return index % 2 ? h('mark', {}, text) : text;
  });
}
