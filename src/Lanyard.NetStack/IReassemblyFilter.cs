using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>
/// Judges packets that a host has reassembled. A layer below that filters frames has seen only the fragments.
/// </summary>
/// <remarks>Called from inside calls into the host; must not call back into it, and must not throw.</remarks>
public interface IReassemblyFilter
{
    /// <summary>Returns whether the host may process a packet.</summary>
    /// <param name="source">The Ethernet source of the last of its frames.</param>
    /// <param name="destination">The Ethernet destination.</param>
    /// <param name="etherType">The Ethernet type.</param>
    /// <param name="packet">The whole packet with its IP header, as if it had not been fragmented. Needed only during the call.</param>
    bool Permits(MacAddress source, MacAddress destination, ushort etherType, ReadOnlySpan<byte> packet);
}
