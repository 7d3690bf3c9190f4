using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>
/// Accepts the frames that a <see cref="NetworkHost"/> sends. The host rents room, writes the packet's headers and payload directly into it, and
/// commits it: one buffer from the application's bytes to the wire.
/// </summary>
/// <remarks>
/// Called only from inside calls into the host, on the caller's thread. An implementation must not call back into the host and must not
/// throw. At most one rented frame is open at a time; a <see cref="Rent"/> after a <see cref="Rent"/> abandons the first.
/// </remarks>
public interface IFrameSink
{
    /// <summary>
    /// Gives room for one packet: the bytes after the Ethernet header. The implementation keeps head-room in front of the span and
    /// tail-room behind it for what the layer below adds. The contents may be anything.
    /// </summary>
    /// <param name="destination">The Ethernet destination of the frame.</param>
    /// <param name="etherType">The Ethernet type of the frame, for example 0x0800.</param>
    /// <param name="length">The bytes needed, 1 to the host's MTU.</param>
    /// <returns>At least <paramref name="length"/> bytes, valid until the next call of this interface; an empty span refuses the frame,
    /// which the host counts as <see cref="HostCounter.SinkRefused"/>.</returns>
    Span<byte> Rent(MacAddress destination, ushort etherType, int length);

    /// <summary>Takes the frame whose packet is the first <paramref name="length"/> bytes of the span last rented.</summary>
    /// <param name="length">The packet's length in bytes, at most what was asked for.</param>
    void Commit(int length);

    /// <summary>
    /// Ends a burst: the host has nothing more to send for now. Called once at the end of every outermost call into the host that
    /// committed a frame. Frames may be sent earlier, but must not be held longer.
    /// </summary>
    void Flush();
}
