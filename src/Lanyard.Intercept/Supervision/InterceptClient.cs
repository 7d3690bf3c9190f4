using System.Net.Sockets;
using System.Runtime.InteropServices;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;

namespace Lanyard.Intercept.Supervision;

/// <summary>Sends requests to the service as the preloaded library does: one request and one reply on each connection to the service's local socket.</summary>
internal sealed class InterceptClient(ProgramOptions options)
{
    private static readonly int s_replyBytes = Marshal.SizeOf<InterceptReply>();

    /// <summary>Creates a request without arguments.</summary>
    public InterceptRequest For(InterceptOperation operation) => new()
    {
        Magic = InterceptProtocol.Magic,
        Operation = operation,
        Network = options.Network?.Value ?? 0,
    };

    /// <summary>Sends a request about a socket. If no service replies, returns a reply with the error ENETDOWN.</summary>
    /// <exception cref="OperationCanceledException">The program no longer waits for the call.</exception>
    public ValueTask<InterceptReply> AskAsync(InterceptRequest request, SocketDescriptor about, CancellationToken interrupted) =>
        AskAsync(request, about, null, interrupted);

    /// <summary>Sends a request about a socket and a second socket: the listener of an accepted connection.</summary>
    /// <exception cref="OperationCanceledException">The program no longer waits for the call.</exception>
    public async ValueTask<InterceptReply> AskAsync(InterceptRequest request, SocketDescriptor about, SocketDescriptor? second, CancellationToken interrupted)
    {
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(options.SocketPath), interrupted).ConfigureAwait(false);
            Send(socket, request, about, second);
            var message = new byte[s_replyBytes];
            var length = await socket.ReceiveAsync(message, interrupted).ConfigureAwait(false);
            if (length >= s_replyBytes && MemoryMarshal.Read<InterceptReply>(message) is { Magic: InterceptProtocol.Magic } reply)
                return reply;
        }
        catch (SocketException failure)
        {
            return InterceptReply.Failed(failure.SocketErrorCode == SocketError.AccessDenied ? Errno.AccessDenied : Errno.NetworkDown);
        }

        return InterceptReply.Failed(Errno.NetworkDown);
    }

    // The connection is new, so sending does not block. If it is closed, receiving fails.
    private static unsafe void Send(Socket socket, InterceptRequest request, SocketDescriptor about, SocketDescriptor? second)
    {
        var vector = new Libc.IoVector { Base = (nuint)(&request), Length = (nuint)sizeof(InterceptRequest) };
        var control = new Libc.DescriptorControl
        {
            Length = second is null ? (nuint)Libc.DescriptorControl.UsedBytes : Libc.DescriptorControl.UsedBytesOfTwo,
            Level = Libc.SolSocket,
            Type = Libc.PassRights,
            Descriptor = about.Number,
            Second = second?.Number ?? 0,
        };
        var message = new Libc.Message { IoVectors = (nuint)(&vector), IoVectorCount = 1, Control = (nuint)(&control), ControlLength = (nuint)sizeof(Libc.DescriptorControl) };
        _ = Libc.SendMessage(socket.SafeHandle, &message, Libc.NoSignal);
    }
}
