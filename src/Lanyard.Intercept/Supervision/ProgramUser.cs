using System.Globalization;
using System.Runtime.InteropServices;
using Lanyard.Intercept.Linux;

namespace Lanyard.Intercept.Supervision;

/// <summary>
/// The user and groups of a program's thread. A supervisor with privileges creates sockets for programs without: the sockets must belong to the
/// program's user, and that user must be permitted to create them.
/// </summary>
internal sealed class ProgramUser
{
    private static readonly (int SetGroups, int SetUser, int SetGroup) s_numbers =
        RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? (159, 147, 149) : (116, 117, 119); // setgroups, setresuid, setresgid

    private static readonly Lazy<ProgramUser?> s_own = new(() => Environment.IsPrivilegedProcess ? TryRead(Environment.ProcessId) : null);

    private readonly int _user;
    private readonly int _group;
    private readonly int[] _groups;

    private ProgramUser(int user, int group, int[] groups)
    {
        _user = user;
        _group = group;
        _groups = groups;
    }

    /// <summary>Runs an action that does not block as the user of a program's thread.</summary>
    /// <exception cref="OperationCanceledException">The thread has ended.</exception>
    /// <exception cref="IOException">The kernel does not permit this process to become that user.</exception>
    public static T RunAs<T>(int thread, Func<T> action)
    {
        // A process without privileges has no programs of other users.
        if (s_own.Value is not { } own)
            return action();
        var user = TryRead(thread) ?? throw new OperationCanceledException();
        if (user.Equals(own))
            return action();
        var error = user.Assume();
        if (error != 0)
        {
            own.Restore();
            throw new IOException($"This process cannot switch to the program's user: error {error}.");
        }

        try
        {
            return action();
        }
        finally
        {
            // Keep the action's error for the caller.
            error = Libc.Error;
            own.Restore();
            Marshal.SetLastPInvokeError(error);
        }
    }

    private bool Equals(ProgramUser other) => _user == other._user && _group == other._group && _groups.AsSpan().SequenceEqual(other._groups);

    // System calls change this thread alone; the C library's functions would change all threads. The real and the saved user stay, so that Restore can undo this.
    private unsafe int Assume()
    {
        fixed (int* groups = _groups)
        {
            return Kernel.SystemCall(s_numbers.SetGroups, _groups.Length, (nint)groups, 0, 0) != 0 || Kernel.SystemCall(s_numbers.SetGroup, -1, _group, -1, 0) != 0
                || Kernel.SystemCall(s_numbers.SetUser, -1, _user, -1, 0) != 0 ? Libc.Error : 0;
        }
    }

    private unsafe void Restore()
    {
        fixed (int* groups = _groups)
        {
            if (Kernel.SystemCall(s_numbers.SetUser, -1, _user, -1, 0) != 0 || Kernel.SystemCall(s_numbers.SetGroup, -1, _group, -1, 0) != 0
                || Kernel.SystemCall(s_numbers.SetGroups, _groups.Length, (nint)groups, 0, 0) != 0)
                Environment.FailFast("The supervisor cannot switch back to its own user.");
        }
    }

    // proc_pid_status(5): the second numbers are the effective user and group.
    private static ProgramUser? TryRead(int thread)
    {
        int? user = null, group = null;
        int[] groups = [];
        try
        {
            foreach (var line in File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{thread}/status")))
            {
                if (line.StartsWith("Uid:", StringComparison.Ordinal))
                    user = Numbers(line)[1];
                else if (line.StartsWith("Gid:", StringComparison.Ordinal))
                    group = Numbers(line)[1];
                else if (line.StartsWith("Groups:", StringComparison.Ordinal))
                    groups = Numbers(line);
            }
        }
        catch (IOException)
        {
            // The thread has ended.
        }

        return user is { } known && group is { } knownGroup ? new ProgramUser(known, knownGroup, groups) : null;
    }

    private static int[] Numbers(string line) =>
        [.. line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
            .Select(word => unchecked((int)uint.Parse(word, CultureInfo.InvariantCulture)))];
}
