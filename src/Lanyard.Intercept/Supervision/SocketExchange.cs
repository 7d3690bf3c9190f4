using System.Globalization;
using System.Runtime.InteropServices;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;

namespace Lanyard.Intercept.Supervision;

/// <summary>
/// Replaces a program's socket with another socket, which takes the options, flags, port and places in epoll sets of the old socket. Counterpart of
/// <c>native/intercept/exchange.c</c> for supervised programs.
/// </summary>
internal static class SocketExchange
{
    private const string EpollTarget = "anon_inode:[eventpoll]";

    /// <summary>Moves the socket of a call to the system's network. Returns 0 or an errno.</summary>
    /// <param name="call">The call.</param>
    /// <param name="socket">Its socket.</param>
    /// <param name="client">The connection to the service, which knows the port of the socket.</param>
    public static async ValueTask<int> MoveToSystemAsync(SupervisedCall call, SocketDescriptor socket, InterceptClient client)
    {
        using var fresh = call.CreateAlike(socket);
        if (fresh is null)
            return Libc.Error;
        var reply = await client.AskAsync(client.For(InterceptOperation.Names), socket, CancellationToken.None).ConfigureAwait(false);
        if (reply is { Error: 0, First.Port: not 0 } && call.BindToPort(fresh, reply.First.Port) is var error and not 0
            && (error != Errno.AddressInUse || reply.First.Port < InterceptProtocol.FirstChosenPort))
            return error;
        return Replace(call, socket, fresh);
    }

    /// <summary>Replaces the socket of a call, in epoll sets as well. Returns 0 or an errno.</summary>
    public static int Replace(SupervisedCall call, SocketDescriptor socket, SocketDescriptor fresh)
    {
        var places = FindPlaces(call, socket);
        var error = call.Replace(fresh);
        if (error == 0 && places.Count > 0)
            Restore(call, fresh, places);
        return error;
    }

    // Finds the program's epoll sets with the socket, and its events and data there: proc_pid_fdinfo(5), "tfd: NUMBER events: HEX data: HEX ino: HEX".
    private static List<(int Set, uint Events, ulong Data)> FindPlaces(SupervisedCall call, SocketDescriptor socket)
    {
        var places = new List<(int, uint, ulong)>();
        var number = ((int)call.Arguments[0]).ToString(CultureInfo.InvariantCulture);
        var process = string.Create(CultureInfo.InvariantCulture, $"/proc/{call.Thread}");
        try
        {
            foreach (var link in Directory.EnumerateFiles($"{process}/fd").Where(static path => new FileInfo(path).LinkTarget == EpollTarget))
            {
                foreach (var line in File.ReadLines($"{process}/fdinfo/{Path.GetFileName(link)}"))
                {
                    var words = line.Split([' ', ':'], StringSplitOptions.RemoveEmptyEntries);
                    if (words.Length >= 6 && words[0] == "tfd" && words[1] == number && Array.IndexOf(words, "ino") is > 0 and var inode
                        && ulong.Parse(words[inode + 1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) == Libc.InodeOf(socket.Number))
                    {
                        places.Add((
                            int.Parse(Path.GetFileName(link), CultureInfo.InvariantCulture), uint.Parse(words[3], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture),
                            ulong.Parse(words[5], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)));
                    }
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The program has ended, or its descriptor table is not readable.
        }

        return places;
    }

    // An epoll entry is keyed by the descriptor number. A thread with its own descriptor table may use any number.
    private static void Restore(SupervisedCall call, SocketDescriptor fresh, List<(int Set, uint Events, ulong Data)> places)
    {
        var number = (int)call.Arguments[0];
        var sets = places.Select(place => (Descriptor: Kernel.Duplicate(call.Thread, place.Set), place.Events, place.Data)).Where(set => set.Descriptor >= 0).ToArray();
        var thread = new Thread(() =>
        {
            if (!Kernel.TryLeaveDescriptorTable())
                return;
            // Move the epoll sets to higher numbers, so that the next call does not replace one of them.
            var others = sets.Select(set => (Descriptor: Libc.Flags(set.Descriptor, Libc.DuplicateFrom, number + 1), set.Events, set.Data)).ToArray();
            if (Kernel.DuplicateTo(fresh.Number, number) < 0)
                return;
            foreach (var (set, events, data) in others)
                EventPoll.Add(set, number, events, data);
        })
        {
            IsBackground = true,
        };
        thread.Start();
        thread.Join();
        foreach (var set in sets)
            _ = Libc.Close(set.Descriptor);
    }
}
