/** Which addresses are of the public internet. Everything else may be a machine that trusts whoever reaches it. */
import ipaddr from 'ipaddr.js'

/**
 * Addresses in public ranges at which clouds answer their own machines: Azure's WireServer.
 * https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
 */
const cloudInternal = new Set(['168.63.129.16'])

/** Global unicast, the only part of IPv6 that is given out: https://www.iana.org/assignments/ipv6-address-space */
const globalUnicast: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3]

/** The IPv4 address a NAT64 gateway makes of an address with the prefix all know (RFC 6052); null for others. */
function behindNat64 (address: ipaddr.IPv6): ipaddr.IPv4 | null {
  const bytes = address.toByteArray()
  return address.match(ipaddr.IPv6.parse('64:ff9b::'), 96) ? new ipaddr.IPv4(bytes.slice(12)) : null
}

/**
 * True for addresses of the public internet: not loopback, private, link-local (so no metadata service), shared (CGNAT),
 * unique-local, multicast, unspecified, reserved or for documentation, in whichever way they are written.
 * @param address IPv4 or IPv6, without brackets; anything else is not public
 */
export function isPublicAddress (address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  // An IPv4 address in IPv6 clothes (::ffff:…) is undressed first.
  const parsed = ipaddr.process(address)
  if (parsed instanceof ipaddr.IPv4) return parsed.range() === 'unicast' && !cloudInternal.has(parsed.toString())
  const inner = behindNat64(parsed)
  if (inner !== null) return isPublicAddress(inner.toString())
  return parsed.range() === 'unicast' && parsed.match(...globalUnicast)
}
