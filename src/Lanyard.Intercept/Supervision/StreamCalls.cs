using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Supervision;

/// <summary>Answers the calls of TCP sockets, and calls that all sockets share. Counterpart of <c>native/intercept/sockets.c</c> for supervised programs.</summary>
internal sealed class StreamCalls(InterceptClient client, ProgramOptions options, DatagramCalls datagrams, SocketWaits waits)
{
    private const int SocketErrorBytes = sizeof(int);

    public async ValueTask<CallAnswer> ConnectAsync(SupervisedCall call)
    {
        var hasDestination = call.TryReadName(call.Arguments[1], (int)call.Arguments[2], out var destination);
        using var socket = call.Open();
        if (socket is null)
            return CallAnswer.Continue;
        if (!hasDestination || SocketName.IsLoopback(destination) || destination.Address.IsUnspecified)
        {
            return socket.Type == InterceptSocketType.Datagram
                ? await datagrams.ConnectToSystemAsync(call, socket, hasDestination ? destination : default).ConfigureAwait(false) : CallAnswer.Continue;
        }

        return socket.Type == InterceptSocketType.Stream ? await ConnectAsync(call, socket, destination).ConfigureAwait(false)
            : await datagrams.ConnectAsync(call, socket, destination).ConfigureAwait(false);
    }

    public async ValueTask<CallAnswer> BindAsync(SupervisedCall call)
    {
        if (!call.TryReadName(call.Arguments[1], (int)call.Arguments[2], out var local) || SocketName.IsLoopback(local))
            return CallAnswer.Continue;
        using var socket = call.Open();
        if (socket is null)
            return CallAnswer.Continue;
        if (local.Address.IsUnspecified)
        {
            // A datagram socket without a port is a client socket. It may send to any network, so it is on the system's network too.
            var isClient = socket.Type == InterceptSocketType.Datagram && local.Port == 0;
            if (isClient)
                socket.ReachV4();
            if (socket.Type == InterceptSocketType.Datagram && options.Listening != ListenPlace.Host && !options.IsIsolated && (isClient || options.Listening == ListenPlace.Both))
                return await datagrams.BindSharedAsync(call, socket, local).ConfigureAwait(false);
            if (options.Listening != ListenPlace.Virtual)
                return CallAnswer.Continue;
        }

        var request = client.For(InterceptOperation.Bind);
        request.Flags = options.Listening == ListenPlace.Virtual ? InterceptFlags.Groups : InterceptFlags.None;
        request.Virtual = InterceptEndpoint.Of(local);
        var reply = await client.AskAsync(request, socket, CancellationToken.None).ConfigureAwait(false);
        if (reply.Error != 0 || reply.Verdict == InterceptVerdict.Virtual)
            return CallAnswer.Failed(reply.Error);
        return options.IsIsolated ? CallAnswer.Failed(Errno.AddressNotAvailable) : CallAnswer.Continue;
    }

    public async ValueTask<CallAnswer> ListenAsync(SupervisedCall call)
    {
        using var socket = call.Open();
        if (socket is not { Type: InterceptSocketType.Stream } || !socket.TryGetNear(out var near))
            return CallAnswer.Continue;
        var backlog = (int)call.Arguments[1];
        if (options.Listening != ListenPlace.Virtual && !SocketName.IsNear(near))
        {
            if (options.Listening == ListenPlace.Host || !near.Address.IsUnspecified)
                return CallAnswer.Continue;
            // Listen on the system's network as well as on virtual networks. The kernel chooses a port if the socket has none.
            if (socket.Listen(backlog) is var refused and not 0)
                return CallAnswer.Failed(refused);
        }
        else if (near.Port != 0 && !SocketName.IsNear(near))
        {
            return CallAnswer.Continue;
        }

        var request = client.For(InterceptOperation.Listen);
        request.Backlog = backlog;
        var reply = await client.AskAsync(request, socket, CancellationToken.None).ConfigureAwait(false);
        return reply is { Error: 0, Verdict: InterceptVerdict.Host } ? CallAnswer.Continue : CallAnswer.Failed(reply.Error);
    }

    /// <summary>Answers getsockname and getpeername.</summary>
    public async ValueTask<CallAnswer> GetNameAsync(SupervisedCall call, bool isFar)
    {
        using var socket = call.Open();
        if (socket is null || !socket.TryGetNear(out var near) || near.Port == 0)
            return CallAnswer.Continue;
        var hasFar = socket.TryGetFar(out var far);
        if (!SocketName.IsNear(near) && !(hasFar && SocketName.IsFar(far)))
            return CallAnswer.Continue;
        if (isFar && !hasFar)
            return CallAnswer.Failed(Errno.NotConnected);
        var reply = await client.AskAsync(client.For(InterceptOperation.Names), socket, CancellationToken.None).ConfigureAwait(false);
        // The service no longer knows the addresses of a connection that has ended.
        if (reply is not { Error: 0, Verdict: InterceptVerdict.Virtual } || !(isFar ? reply.Second : reply.First).TryRead(out var name) || (isFar && name.IsNone))
            return isFar ? CallAnswer.Failed(Errno.NotConnected) : CallAnswer.Continue;
        return CallAnswer.Failed(call.Arguments[1] == 0 ? Errno.BadAddress : call.WriteName(call.Arguments[1], call.Arguments[2], name, socket.Domain));
    }

    /// <summary>Answers getsockopt of SO_ERROR.</summary>
    public async ValueTask<CallAnswer> GetErrorAsync(SupervisedCall call)
    {
        var (value, lengthAddress) = (call.Arguments[3], call.Arguments[4]);
        if (!call.TryRead<int>(lengthAddress, out var room) || room != SocketErrorBytes)
            return CallAnswer.Continue;
        using var socket = call.Open();
        if (socket is not { Type: InterceptSocketType.Stream } || !socket.TryGetNear(out var near) || !SocketName.IsNear(near))
            return CallAnswer.Continue;
        // A failed connection was reset; the service knows the reason. If the service does not know an open connection, it belongs to another program that took
        // the port of an ended service.
        var error = socket.TakeError();
        if (error == Errno.ConnectionReset || (error == 0 && socket.TryGetFar(out var far) && SocketName.IsFar(far)))
        {
            var reply = await client.AskAsync(client.For(InterceptOperation.Outcome), socket, CancellationToken.None).ConfigureAwait(false);
            if (reply.Error is not (0 or Errno.NetworkDown))
                error = reply.Error;
            else if (reply.Error == Errno.NetworkDown && error == 0)
                error = Errno.ConnectionAborted;
        }

        return CallAnswer.Failed(call.TryWrite(value, error) ? 0 : Errno.BadAddress);
    }

    /// <summary>Connects a TCP socket. The answer is to continue if the system must connect it.</summary>
    public async ValueTask<CallAnswer> ConnectAsync(SupervisedCall call, SocketDescriptor socket, InetEndpoint destination)
    {
        if (socket.TryGetFar(out var far) && !SocketName.IsFar(far))
            return CallAnswer.Continue;
        var request = client.For(InterceptOperation.Connect);
        request.Virtual = InterceptEndpoint.Of(destination);
        var reply = await client.AskAsync(request, socket, CancellationToken.None).ConfigureAwait(false);
        if (reply.Error == Errno.ProtocolNotSupported)
            return await ConnectAlikeAsync(call, socket, destination).ConfigureAwait(false);
        if (reply.Error is Errno.InProgress or Errno.Already && !socket.IsNonBlocking)
            return await WaitAsync(call, socket, request, reply.Error).ConfigureAwait(false);
        if (reply.Error != 0 || reply.Verdict == InterceptVerdict.Virtual)
            return CallAnswer.Failed(reply.Error);
        if (options.IsIsolated)
            return CallAnswer.Failed(Errno.NetworkUnreachable);
        // The socket was bound to a virtual address too early. Move it to the system's network.
        return socket.TryGetNear(out var near) && SocketName.IsNear(near) && await SocketExchange.MoveToSystemAsync(call, socket, client).ConfigureAwait(false) is var error and not 0
            ? CallAnswer.Failed(error) : CallAnswer.Continue;
    }

    // Replaces a Multipath TCP socket with a TCP socket and connects it.
    private async ValueTask<CallAnswer> ConnectAlikeAsync(SupervisedCall call, SocketDescriptor socket, InetEndpoint destination)
    {
        if (await SocketExchange.MoveToSystemAsync(call, socket, client).ConfigureAwait(false) is var error and not 0)
            return CallAnswer.Failed(error);
        using var fresh = call.Open();
        return fresh is { IsMultipath: false } ? await ConnectAsync(call, fresh, destination).ConfigureAwait(false) : CallAnswer.Failed(Errno.ProtocolNotSupported);
    }

    // Waits for the pending connection of a blocking socket, then repeats the request to get the outcome.
    private async ValueTask<CallAnswer> WaitAsync(SupervisedCall call, SocketDescriptor socket, InterceptRequest request, int error)
    {
        var timeout = socket.SendTimeout;
        var deadline = timeout is { } time ? Environment.TickCount64 + (long)time.TotalMilliseconds : (long?)null;
        try
        {
            if (!await waits.UntilReadyAsync(call, socket, Libc.PollOut, deadline).ConfigureAwait(false))
                return CallAnswer.Failed(error);
        }
        catch (OperationCanceledException) when (timeout is not null)
        {
            // The system does not restart a call with a time limit (signal(7)).
            return CallAnswer.Failed(Errno.Interrupted);
        }

        var reply = await client.AskAsync(request, socket, CancellationToken.None).ConfigureAwait(false);
        return CallAnswer.Failed(reply.Error);
    }
}
