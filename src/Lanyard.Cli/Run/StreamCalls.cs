using Lanyard.Primitives;
using Lanyard.Service.Intercept;

namespace Lanyard.Cli.Run;

/// <summary>The calls of TCP sockets, and of any socket where they do not differ: what <c>intercept/sockets.c</c> does inside a program.</summary>
internal sealed class StreamCalls(InterceptClient client, SuperviseOptions options, DatagramCalls datagrams)
{
    // How often another place to bind is asked for, where somebody has the one that was given.
    private const int BindTrials = 8;
    private const int MaxBacklog = 4_096;
    private const int SocketErrorBytes = sizeof(int);

    public async ValueTask<CallAnswer> ConnectAsync(SupervisedCall call)
    {
        if (!call.TryReadName(call.Arguments[1], (int)call.Arguments[2], out var destination) || SocketName.IsLoopback(destination)
            || destination.Address.IsUnspecified)
            return CallAnswer.Continue;
        using var socket = call.Open();
        if (socket is null)
            return CallAnswer.Continue;
        return socket.Type == InterceptSocketType.Stream ? await ConnectStreamAsync(call, socket, destination).ConfigureAwait(false)
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
            // A datagram socket on any port is a client's, which may speak to anybody; it becomes virtual when it speaks to somebody who is.
            var isClient = socket.Type == InterceptSocketType.Datagram && local.Port == 0;
            if (isClient)
                socket.ReachV4();
            if (options.Listening != ListenPlace.Virtual || isClient)
                return CallAnswer.Continue;
        }

        return await BindVirtualAsync(call, socket, local).ConfigureAwait(false) switch
        {
            ErrorNumber.AddressFamilyNotSupported => options.IsIsolated ? CallAnswer.Failed(ErrorNumber.AddressNotAvailable) : CallAnswer.Continue,
            var error => CallAnswer.Failed(error),
        };
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
            // On the system's network and on the virtual ones alike; it may have no port yet.
            if (socket.Listen(backlog) is var refused and not 0)
                return CallAnswer.Failed(refused);
            socket.TryGetNear(out near);
        }
        else
        {
            if (near.Port == 0)
            {
                var any = new InetEndpoint(socket.Domain == Kernel.DomainV4 ? InetAddress.AnyV4 : InetAddress.AnyV6, 0);
                if (await BindVirtualAsync(call, socket, any).ConfigureAwait(false) is var unbound and not 0)
                    return CallAnswer.Failed(unbound);
                socket.TryGetNear(out near);
            }

            if (!SocketName.IsNear(near))
                return CallAnswer.Continue;
            if (socket.Listen(backlog) is var refused and not 0)
                return CallAnswer.Failed(refused);
        }

        var request = client.For(InterceptOperation.Listen, socket);
        request.NearEndpoint = InterceptEndpoint.Of(near);
        request.Flags |= socket.Flags;
        request.Backlog = backlog < 0 ? MaxBacklog : (uint)backlog;
        var reply = await client.AskAsync(request, call.Interrupted).ConfigureAwait(false);
        return CallAnswer.Failed(reply.Error);
    }

    /// <summary>getsockname and getpeername.</summary>
    public async ValueTask<CallAnswer> GetNameAsync(SupervisedCall call, bool isFar)
    {
        using var socket = call.Open();
        if (socket is null || !socket.TryGetNear(out var near) || near.Port == 0)
            return CallAnswer.Continue;
        var hasFar = socket.TryGetFar(out var far);
        if (!SocketName.IsNear(near) && !(hasFar && SocketName.IsFar(far)))
            return CallAnswer.Continue;
        if (isFar && !hasFar)
            return CallAnswer.Failed(ErrorNumber.NotConnected);
        var request = client.For(InterceptOperation.Names, socket);
        request.NearEndpoint = InterceptEndpoint.Of(near);
        if (hasFar)
            request.FarEndpoint = InterceptEndpoint.Of(far);
        var reply = await client.AskAsync(request, call.Interrupted).ConfigureAwait(false);
        // A connection that the service has forgotten, since it ended: its addresses are not known any more.
        if (reply is not { Error: 0, Verdict: InterceptVerdict.Virtual } || !(isFar ? reply.Second : reply.First).TryRead(out var name))
            return isFar ? CallAnswer.Failed(ErrorNumber.NotConnected) : CallAnswer.Continue;
        return CallAnswer.Failed(call.Arguments[1] == 0 ? ErrorNumber.BadAddress : call.GiveName(call.Arguments[1], call.Arguments[2], name, socket.Domain));
    }

    /// <summary>getsockopt of SO_ERROR: a connection that does not come about is one that the service accepts and resets at once: it knows why.</summary>
    public async ValueTask<CallAnswer> GetErrorAsync(SupervisedCall call)
    {
        var (value, lengthAddress) = (call.Arguments[3], call.Arguments[4]);
        if (!call.TryRead<int>(lengthAddress, out var room) || room != SocketErrorBytes)
            return CallAnswer.Continue;
        using var socket = call.Open();
        if (socket is not { Type: InterceptSocketType.Stream } || !socket.TryGetNear(out var near) || !SocketName.IsNear(near))
            return CallAnswer.Continue;
        var error = socket.TakeError();
        if (error is 0 or ErrorNumber.ConnectionReset && await OutcomeAsync(call, socket, near).ConfigureAwait(false) is var reason and not 0)
            error = reason;
        return CallAnswer.Failed(call.TryWrite(value, error) ? 0 : ErrorNumber.BadAddress);
    }

    private async ValueTask<CallAnswer> ConnectStreamAsync(SupervisedCall call, SocketDescriptor socket, InetEndpoint destination)
    {
        var hasNear = socket.TryGetNear(out var near) && near.Port != 0;
        // The system knows what connecting again is.
        if (socket.TryGetFar(out _))
            return CallAnswer.Continue;
        for (var trial = 0; ; trial++)
        {
            var isNonBlocking = socket.IsNonBlocking;
            var request = client.For(InterceptOperation.Connect, socket);
            request.VirtualEndpoint = InterceptEndpoint.Of(destination);
            if (hasNear)
                request.NearEndpoint = InterceptEndpoint.Of(near);
            if (isNonBlocking)
                request.Flags |= InterceptFlags.NonBlocking;
            var reply = await client.AskAsync(request, call.Interrupted).ConfigureAwait(false);
            if (reply.Error != 0)
                return CallAnswer.Failed(reply.Error);
            if (reply.Verdict == InterceptVerdict.Host)
                return hasNear && SocketName.IsNear(near) && !options.IsIsolated ? ConnectOfSystem(call, socket) : Host();
            if (reply.First.TryRead(out var first) && !first.IsNone)
            {
                var unbound = socket.Bind(first);
                if (unbound == ErrorNumber.AddressInUse && trial < BindTrials)
                    continue;
                if (unbound != 0)
                    return CallAnswer.Failed(unbound);
                near = first;
            }

            if (!reply.Second.TryRead(out var second))
                return CallAnswer.Failed(ErrorNumber.NetworkUnreachable);
            var error = isNonBlocking ? socket.Connect(second) : await ConnectBlockingAsync(socket, second).ConfigureAwait(false);
            if (error is ErrorNumber.ConnectionReset or ErrorNumber.ConnectionAborted
                && await OutcomeAsync(call, socket, near).ConfigureAwait(false) is var reason and not 0)
                error = reason;
            return CallAnswer.Failed(error);
        }
    }

    private CallAnswer Host() => options.IsIsolated ? CallAnswer.Failed(ErrorNumber.NetworkUnreachable) : CallAnswer.Continue;

    // A socket that was bound to a virtual address because nobody could know better turns to the system's network: it becomes a new one.
    private static CallAnswer ConnectOfSystem(SupervisedCall call, SocketDescriptor socket)
    {
        using var fresh = socket.CreateAlike();
        if (fresh is null)
            return CallAnswer.Failed(ErrorNumber.NetworkUnreachable);
        var error = call.Replace(fresh);
        return error == 0 ? CallAnswer.Continue : CallAnswer.Failed(error);
    }

    // The virtual connection is there, or the system's is under way already: it takes no time, unless the service is lost meanwhile.
    private static Task<int> ConnectBlockingAsync(SocketDescriptor socket, InetEndpoint far) =>
        Task.Factory.StartNew(() => socket.Connect(far), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private async ValueTask<int> OutcomeAsync(SupervisedCall call, SocketDescriptor socket, InetEndpoint near)
    {
        var request = client.For(InterceptOperation.Outcome, socket);
        request.NearEndpoint = InterceptEndpoint.Of(near);
        var reply = await client.AskAsync(request, call.Interrupted).ConfigureAwait(false);
        return reply.Error == ErrorNumber.NetworkDown ? 0 : reply.Error;
    }

    // Binds where the service says. AddressFamilyNotSupported: the address is none of a virtual network.
    private async ValueTask<int> BindVirtualAsync(SupervisedCall call, SocketDescriptor socket, InetEndpoint local)
    {
        for (var trial = 0; ; trial++)
        {
            var request = client.For(InterceptOperation.Bind, socket);
            request.VirtualEndpoint = InterceptEndpoint.Of(local);
            request.Flags |= socket.Flags;
            var reply = await client.AskAsync(request, call.Interrupted).ConfigureAwait(false);
            if (reply.Error != 0)
                return reply.Error;
            if (reply.Verdict == InterceptVerdict.Host)
                return ErrorNumber.AddressFamilyNotSupported;
            if (!reply.First.TryRead(out var near))
                return ErrorNumber.AddressNotAvailable;
            var error = socket.Bind(near);
            if (error != ErrorNumber.AddressInUse || trial == BindTrials)
                return error;
        }
    }
}
