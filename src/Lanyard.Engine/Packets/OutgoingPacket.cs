using Lanyard.Engine.Peers;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Packets;

/// <summary>
/// A packet to send: a payload with room in front of it for the header and behind it for the headers of fragments. The packet is built and encrypted where the payload
/// lies, so the payload is lost.
/// </summary>
/// <param name="verb">The verb.</param>
/// <param name="buffer">
/// The buffer, with at least <see cref="PacketFormat.HeaderBytes"/> in front of the payload and <see cref="PacketSplitter.MaxAddedBytes"/> behind it.
/// </param>
/// <param name="start">The start of the payload in the buffer.</param>
/// <param name="length">The length of the payload in bytes.</param>
internal readonly ref struct OutgoingPacket(Verb verb, Span<byte> buffer, int start, int length)
{
    public Verb Verb { get; } = verb;

    public Span<byte> Buffer { get; } = buffer;

    public int Start { get; } = start;

    public int Length { get; } = length;

    public ReadOnlySpan<byte> Payload => Buffer.Slice(Start, Length);

    /// <summary>Whether to compress the payload if that makes it shorter.</summary>
    public bool IsCompressible { get; init; }

    /// <summary>The host's room that the buffer belongs to; null if it is the node's.</summary>
    public object? Room { get; init; }

    /// <summary>The <see cref="OutstandingRequest.Subject"/> of a request; 0 otherwise.</summary>
    public ulong Subject { get; init; }

    /// <summary>The reason to look up the receiver's identity if it is not known.</summary>
    public WhoisReason Reason { get; init; }
}

/// <summary>A buffer for one packet, rented from <see cref="PacketBuffers"/>. Disposing it returns it.</summary>
internal sealed class PacketBuffer(PacketBuffers pool) : IDisposable
{
    private readonly byte[] _bytes = new byte[PacketFormat.MaxPacketBytes + PacketSplitter.MaxAddedBytes];

    /// <summary>The whole buffer.</summary>
    public Span<byte> Bytes => _bytes;

    /// <summary>Returns a writer of the payload, which fails beyond <see cref="PacketFormat.MaxPayloadBytes"/>.</summary>
    public ByteWriter CreateWriter() => new(_bytes.AsSpan(PacketFormat.HeaderBytes, PacketFormat.MaxPayloadBytes));

    /// <summary>Returns the packet whose payload was written.</summary>
    public OutgoingPacket Complete(Verb verb, scoped in ByteWriter writer, bool isCompressible = false, ulong subject = 0, WhoisReason reason = WhoisReason.Own) =>
        new(verb, _bytes, PacketFormat.HeaderBytes, writer.Position) { IsCompressible = isCompressible, Subject = subject, Reason = reason };

    public void Dispose() => pool.Return(this);
}

/// <summary>The free packet buffers of a node.</summary>
internal sealed class PacketBuffers
{
    private readonly Stack<PacketBuffer> _free = new();

    public PacketBuffer Rent() => _free.TryPop(out var buffer) ? buffer : new PacketBuffer(this);

    public void Return(PacketBuffer buffer) => _free.Push(buffer);
}
