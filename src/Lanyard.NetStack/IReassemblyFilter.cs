using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>
/// Judges packets that a host has put together from fragments: a layer below that filters frames has seen the fragments only, one by one.
/// </summary>
/// <remarks>Called from inside calls into the host; must not call back into it and must not throw.</remarks>
public interface IReassemblyFilter
{
    /// <summary>Whether a packet goes on to the protocols above IP.</summary>
    /// <param name="source">The Ethernet source of the last of its frames.</param>
    /// <param name="destination">The Ethernet destination.</param>
    /// <param name="etherType">The Ethernet type.</param>
    /// <param name="packet">The whole packet with its IP header, as if it had never been in fragments. Needed only during the call.</param>
    bool Permits(MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> packet);
}
