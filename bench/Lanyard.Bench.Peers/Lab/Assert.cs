using System.Diagnostics.CodeAnalysis;

namespace EndToEnd.Lab;

/// <summary>The assertions that the lab takes from a test framework. In this program, a failed assertion ends the run.</summary>
internal static class Assert
{
    public static void True(bool condition, string message)
    {
        if (!condition)
            throw new InvalidOperationException(message);
    }

    [DoesNotReturn]
    public static void Skip(string reason) => throw new InvalidOperationException(reason);
}
