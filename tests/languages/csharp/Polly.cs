// The names of Polly that the generated code uses for retries, so that it compiles without NuGet. Nothing here retries.

using System;
using System.Threading.Tasks;

namespace Polly
{
    public interface ISyncPolicy<T>
    {
    }

    public interface IAsyncPolicy<T>
    {
        Task<PolicyResult<T>> ExecuteAndCaptureAsync(Func<Task<T>> call);
    }

    public enum OutcomeType
    {
        Successful,
        Failure,
    }

    public record PolicyResult<T>(OutcomeType Outcome, T Result, Exception FinalException);
}
