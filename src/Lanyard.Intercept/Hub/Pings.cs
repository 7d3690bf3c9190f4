using System.Buffers.Binary;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>Sends the pings of programs: ICMP echo requests (RFC 792, RFC 4443) in datagrams, with replies in datagrams.</summary>
internal sealed class Pings(Datagrams datagrams)
{
    private const int HeaderBytes = 8;
    private const int MaxPending = 1_024;
    private const byte EchoRequestV4 = 8;
    private const byte EchoReplyV4 = 0;
    private const byte EchoRequestV6 = 128;
    private const byte EchoReplyV6 = 129;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private int _pending;

    /// <summary>Sends a ping for an echo request. Drops any other datagram.</summary>
    public void Send(LanyardNetwork network, ProgramSocket socket, InetAddress remote, InetAddress far, ReadOnlySpan<byte> message)
    {
        if (message.Length < HeaderBytes || message[0] != (remote.IsV4 ? EchoRequestV4 : EchoRequestV6) || message[1] != 0)
            return;
        if (Interlocked.Increment(ref _pending) > MaxPending)
        {
            Interlocked.Decrement(ref _pending);
            return;
        }

        _ = PingAsync(network, socket, remote, far, message.ToArray());
    }

    private async Task PingAsync(LanyardNetwork network, ProgramSocket socket, InetAddress remote, InetAddress far, byte[] message)
    {
        try
        {
            var reply = await network.PingAsync(remote.ToIPAddress(), Timeout, message.Length - HeaderBytes).ConfigureAwait(false);
            if (!reply.IsSuccess)
                return;
            // The reply has the payload of the SDK's ping. Return the program's payload, which has the same length.
            message[0] = remote.IsV4 ? EchoReplyV4 : EchoReplyV6;
            message.AsSpan(2, 2).Clear();
            BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), Checksum(message));
            datagrams.SendToProgram(far, socket, message);
        }
        catch (Exception e) when (e is LanyardException or ArgumentException)
        {
            // The program gets no reply.
        }
        finally
        {
            Interlocked.Decrement(ref _pending);
        }
    }

    // RFC 1071. Programs leave the ICMPv6 checksum, which covers addresses too, to the kernel.
    private static ushort Checksum(ReadOnlySpan<byte> message)
    {
        var sum = 0u;
        for (; message.Length >= 2; message = message[2..])
            sum += BinaryPrimitives.ReadUInt16BigEndian(message);
        if (message.Length > 0)
            sum += (uint)message[0] << 8;
        while (sum >> 16 != 0)
            sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~sum;
    }
}
