using System.Net.Sockets;
using System.Runtime.InteropServices;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;

namespace Lanyard.Intercept.Supervision;

/// <summary>Asks the service, as the library that is preloaded does: one request and one reply on a connection of its local socket.</summary>
internal sealed class InterceptClient(ProgramOptions options)
{
    private static readonly int s_replyBytes = Marshal.SizeOf<InterceptReply>();

    /// <summary>A request to be filled in.</summary>
    public InterceptRequest For(InterceptOperation operation) => new()
    {
        Magic = InterceptProtocol.Magic,
        Operation = operation,
        Network = options.Network?.Value ?? 0,
    };

    /// <summary>Asks about a socket. Where no service answers, the reply's error says that the network is down.</summary>
    /// <exception cref="OperationCanceledException">The program does not wait any longer.</exception>
    public ValueTask<InterceptReply> AskAsync(InterceptRequest request, SocketDescriptor about, CancellationToken interrupted) =>
        AskAsync(request, about, null, interrupted);

    /// <summary>Asks about a socket, with a second socket: the listener of an accepted connection.</summary>
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

    // The connection is new, so there is room. Where it is gone, receiving tells.
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
