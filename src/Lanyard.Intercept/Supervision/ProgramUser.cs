using System.Globalization;
using System.Runtime.InteropServices;
using Lanyard.Intercept.Linux;

namespace Lanyard.Intercept.Supervision;

/// <summary>
/// The user and groups of a program's thread. A supervisor that runs as the superuser makes sockets for programs that gave that up: they are to be sockets of the
/// program's user, and only those that this user may have.
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

    /// <summary>Does something that does not wait as the user of a program's thread.</summary>
    /// <exception cref="OperationCanceledException">The thread is gone.</exception>
    /// <exception cref="IOException">The system does not let this process be that user.</exception>
    public static T Do<T>(int thread, Func<T> action)
    {
        // What has no privileges has no other user's programs.
        if (s_own.Value is not { } own)
            return action();
        var user = TryRead(thread) ?? throw new OperationCanceledException();
        if (user.Equals(own))
            return action();
        var error = user.Take();
        if (error != 0)
        {
            own.Restore();
            throw new IOException($"This process cannot be the program's user: error {error}.");
        }

        try
        {
            return action();
        }
        finally
        {
            // The error of what was done is its caller's.
            error = Libc.Error;
            own.Restore();
            Marshal.SetLastPInvokeError(error);
        }
    }

    private bool Equals(ProgramUser other) => _user == other._user && _group == other._group && _groups.AsSpan().SequenceEqual(other._groups);

    // Of this thread alone, which the C library's functions do not do. The real and the saved user stay, so that this can be undone.
    private unsafe int Take()
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
                Environment.FailFast("The supervisor cannot be its own user again.");
        }
    }

    // proc_pid_status(5): the effective user and group are the second ones.
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
            // It ended meanwhile.
        }

        return user is { } known && group is { } knownGroup ? new ProgramUser(known, knownGroup, groups) : null;
    }

    private static int[] Numbers(string line) =>
        [.. line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
            .Select(word => unchecked((int)uint.Parse(word, CultureInfo.InvariantCulture)))];
}
