using Lanyard.Primitives;

namespace Lanyard.NetStack.Tests;

/// <summary>Keeps what an echo socket hears.</summary>
internal sealed class EchoRecorder : IEchoEvents
{
    public List<(InetAddress From, int Sequence, byte[] Payload)> Replies { get; } = [];

    public List<(InetAddress Destination, InetAddress From, int Sequence, NetError Error)> Errors { get; } = [];

    public void OnReply(EchoSocket socket, InetAddress from, ushort sequence, byte hopLimit, ReadOnlySpan<byte> payload) =>
        Replies.Add((from, sequence, payload.ToArray()));

    public void OnError(EchoSocket socket, InetAddress destination, InetAddress from, ushort sequence, NetError error) =>
        Errors.Add((destination, from, sequence, error));
}
